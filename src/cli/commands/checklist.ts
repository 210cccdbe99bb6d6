import { type ChecklistName, checklistNames, checklists } from '../../engine/runbook/checklists.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

export const command: Command = {
  name: 'checklist',
  summary: 'print what to look at daily, weekly, monthly, quarterly',
  description: [
    'Prints a short list to go through, each point with the command that answers it. Nothing is run or changed.',
  ],
  arguments: [{ name: '<when>', summary: checklistNames.join(', ') }],
  options: [],
  examples: [{ command: 'holdfast checklist weekly', means: 'the weekly look' }],
  async run({ args, out }) {
    const name = args[0] as ChecklistName;
    if (!checklistNames.includes(name)) {
      throw new HoldfastError('flag_invalid', `There is no checklist ${JSON.stringify(args[0])}.`, {
        hint: `Choose from: ${checklistNames.join(', ')}.`,
      });
    }
    const items = checklists[name];
    out.result({ command: 'checklist', name, items });
    for (const { text, command: answer } of items) {
      out.print(`  [ ] ${text}`);
      if (answer !== null) out.print(`      ${out.paint('cyan', answer)}`);
    }
    return exitCodes.ok;
  },
};
