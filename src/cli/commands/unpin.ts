import { changePin } from '../change-pin.ts';
import type { Command } from '../command.ts';

export const command: Command = {
  name: 'unpin',
  summary: 'let the retention rules decide about a restore point again',
  description: ['Takes back a pin. The restore point stays until the retention rules drop it at some later prune.'],
  arguments: [{ name: '<when>', summary: 'id, label, time or latest', completes: 'snapshot' }],
  options: [{ flags: '--reason <text>', summary: 'why, for whoever finds it later' }],
  examples: [{ command: 'holdfast unpin 2026-04-16T12:00:00Z-auto-laptop', means: 'this one may go' }],
  run: (context) => changePin(context, { pinned: false }),
};
