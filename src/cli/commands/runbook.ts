import { writeRecoveryPage } from '../../app/recovery-page.ts';
import { readRunbookFacts } from '../../engine/runbook/facts.ts';
import { type Procedure, procedures } from '../../engine/runbook/procedures.ts';
import { renderProcedure, renderRunbook } from '../../engine/runbook/render-runbook.ts';
import { displayText } from '../../format/display-name.ts';
import { wrapToWidth } from '../../format/text-width.ts';
import { nearestOf } from '../../lib/nearest.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

export const command: Command = {
  name: 'runbook',
  summary: 'print recovery procedures, filled in for this vault',
  description: [
    'Without a name: lists the five scenarios and four playbooks. With one: its steps to identify, validate, restore, verify and roll ' +
      "back, with this vault's own store, replicas, restore points and measured times.",
    '--write puts all of them into RECOVERY.md in the vault, to be printed: on the day it is needed, this machine may be gone. A ' +
      'RECOVERY.md of your own is never replaced.',
  ],
  arguments: [{ name: '[name]', summary: 'a scenario or playbook' }],
  options: [{ flags: '--write', summary: 'write RECOVERY.md into the vault' }],
  examples: [
    { command: 'holdfast runbook', means: 'what there is' },
    { command: 'holdfast runbook machine-loss', means: 'the machine is gone' },
    { command: 'holdfast runbook --write', means: 'a page to print' },
  ],
  async run(context) {
    const { args, out, io, signal } = context;
    const config = await context.config();
    await using deps = await context.openSession({ needsKey: false });
    const facts = await readRunbookFacts(deps, { signal });
    const all = procedures(facts);
    if (context.flag('write')) {
      const path = writeRecoveryPage(config, renderRunbook(facts, all, io.now().toISOString().slice(0, 10)));
      out.result({ command: 'runbook', written: path });
      out.print(`  wrote ${displayText(path)}; print it, and keep a copy elsewhere`);
      return exitCodes.ok;
    }
    const [name] = args;
    if (name === undefined) {
      out.result({ command: 'runbook', procedures: all.map(({ id, kind, title }) => ({ id, kind, title })) });
      for (const { id, title, when } of all) {
        out.print(`  ${out.paint('bold', id)}`);
        for (const line of wrapToWidth(displayText(`${title}: ${when}`), out.columns - 8, ''))
          out.print(`      ${line}`);
      }
      return exitCodes.ok;
    }
    const procedure = chosen(all, name);
    out.result({ command: 'runbook', procedure });
    for (const line of renderProcedure(procedure).trimEnd().split('\n')) out.print(displayText(line));
    return exitCodes.ok;
  },
};

function chosen(all: readonly Procedure[], name: string): Procedure {
  const found = all.find(({ id }) => id === name);
  if (found !== undefined) return found;
  const ids = all.map(({ id }) => id);
  const near = nearestOf(name, ids);
  throw new HoldfastError('flag_invalid', `There is no procedure ${JSON.stringify(name)}.`, {
    hint: near === null ? `Choose from: ${ids.join(', ')}.` : `Did you mean ${near}?`,
  });
}
