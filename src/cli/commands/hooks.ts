import { openTrust, outsideActionsOf } from '../../app/outside-actions.ts';
import { displayText } from '../../format/display-name.ts';
import { formatCounted } from '../../format/size.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { OutsideAction } from '../../model/outside.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { printAdvice } from '../print-advice.ts';
import { wrapToWidth } from '../../format/text-width.ts';

export const command: Command = {
  name: 'hooks',
  summary: 'show and approve the commands and addresses of the settings',
  description: [
    'The settings lie in the vault, and a vault can come from anywhere. So what they ask this machine to run (hooks, ' +
      'alerts.command, git.autoPush) or to call (alerts.webhook, alerts.heartbeat) is only done after you approved exactly that, ' +
      'on this machine, for this vault.',
    'Without a word: lists them. "trust" approves all of them as they stand now; where a command names a file of the vault, its ' +
      'bytes are part of what you approve, so a changed script must be approved again. "forget" withdraws it all.',
  ],
  arguments: [{ name: '[action]', summary: 'list, trust or forget (default: list)' }],
  options: [],
  examples: [
    { command: 'holdfast hooks', means: 'see what the settings want to run and call' },
    { command: 'holdfast hooks trust', means: 'approve exactly these, on this machine' },
  ],
  async run({ args, out, io, config: readConfig }) {
    const action = args[0] ?? 'list';
    if (!['list', 'trust', 'forget'].includes(action)) {
      throw new HoldfastError('flag_invalid', `There is no "hooks ${displayText(action, { charsMax: 40 })}".`, {
        hint: 'Use: holdfast hooks list, holdfast hooks trust or holdfast hooks forget',
      });
    }
    const config = await readConfig();
    const book = openTrust(config, () => io.now());
    const actions = outsideActionsOf(config);
    const forgotten = action === 'forget' ? book.forget() : 0;
    if (action === 'trust') book.trust(actions);
    const rows = actions.map((asked) => ({ ...asked, trusted: book.isTrusted(asked) }));
    out.result({ command: 'hooks', action, actions: rows, forgotten });
    print(out, rows);
    if (action === 'forget') out.print(`  ${formatCounted(forgotten, 'approval')} withdrawn.`);
    const waiting = rows.filter(({ trusted }) => !trusted).length;
    if (waiting > 0 && action === 'list') {
      printAdvice(out, `${waiting} not approved: not run, not called. After a look at them:`, 'holdfast hooks trust');
    }
    return exitCodes.ok;
  },
};

function print(out: Output, rows: readonly (OutsideAction & { trusted: boolean })[]): void {
  if (rows.length === 0) out.print('  The settings ask for nothing outside the vault.');
  for (const { setting, words, trusted } of rows) {
    const mark = trusted ? out.paint('green', 'approved') : out.paint('yellow', 'not approved');
    out.print(`  ${setting}  ${mark}`);
    // Quoted word by word: what is one argument must look like one.
    const line = words.map((word) => displayText(JSON.stringify(word))).join(' ');
    for (const part of wrapToWidth(`    ${line}`, out.columns, '      ')) out.print(part);
  }
}
