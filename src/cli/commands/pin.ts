import { changePin } from '../change-pin.ts';
import type { Command } from '../command.ts';

export const command: Command = {
  name: 'pin',
  summary: 'keep a restore point whatever the retention rules say',
  description: [
    'A pinned restore point is never pruned, by any machine, until it is unpinned. The pin is kept in the store and shows in ' +
      '`list`. Restore points with a label of their own are kept anyway.',
  ],
  arguments: [{ name: '<when>', summary: 'id, label, time or latest', completes: 'snapshot' }],
  options: [{ flags: '--reason <text>', summary: 'why, for whoever finds it later' }],
  examples: [
    { command: 'holdfast pin latest --reason "sent to the auditors"', means: 'keep the newest one' },
    { command: 'holdfast pin "2026-04-16 12:00"', means: 'keep the one that was the newest then' },
  ],
  run: (context) => changePin(context, { pinned: true }),
};
