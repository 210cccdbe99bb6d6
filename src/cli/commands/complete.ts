import { RootCommand } from '@bomb.sh/tab';
import { listSnapshots } from '../../engine/list-snapshots.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { commandTable } from '../command-table.ts';
import { globalOptions, type ArgumentSpec, type Command, type CommandContext, type OptionSpec } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { topicNames } from '../topic-names.ts';

const idsMax = 200;

/** What the completion scripts call at every press of the Tab key: `holdfast complete -- <words so far>`. */
export const command: Command = {
  name: 'complete',
  summary: 'answer a shell that asks for completions',
  description: ['Called by the completion scripts.'],
  arguments: [{ name: '[words...]', summary: 'the words typed so far' }],
  options: [],
  examples: [],
  async run(context) {
    const words = [...context.args];
    const asked = commandTable.find((entry) => entry.name === words[0]);
    const root = new RootCommand();
    addOptions(root, globalOptions);
    for (const { name, summary, group } of commandTable) if (group !== 'hidden') root.command(name, summary);
    // Only the command at hand is loaded: every press of the key starts a process.
    if (asked !== undefined && words.length > 1) {
      const { arguments: takes, options, summary } = await asked.load();
      const known = root.command(asked.name, summary);
      addOptions(known, [...options, ...globalOptions]);
      for (const argument of takes) {
        const values = await valuesOf(argument, context);
        known.argument(
          argument.name,
          (complete) => {
            for (const [value, means] of values) complete(value, means);
          },
          argument.name.includes('...'),
        );
      }
    }
    root.parse(words);
    return exitCodes.ok;
  },
};

function addOptions(
  target: RootCommand['commands'] extends Map<string, infer Known> ? Known : never,
  options: readonly OptionSpec[],
): void {
  for (const { flags, summary, choices } of options) {
    const match = /^(?:-(\w), )?--([\w-]+)( [<[])?/.exec(flags);
    if (match === null) continue;
    const [, alias, name, takesValue] = match;
    if (takesValue === undefined) {
      if (alias === undefined) target.option(name!, summary);
      else target.option(name!, summary, alias);
      continue;
    }
    const answer = (complete: (value: string, means: string) => void) => {
      for (const choice of choices ?? []) complete(choice, '');
    };
    target.option(name!, summary, answer, alias);
  }
}

type Value = readonly [value: string, means: string];

async function valuesOf(argument: ArgumentSpec, context: CommandContext): Promise<readonly Value[]> {
  switch (argument.completes) {
    case 'snapshot':
      return snapshotIds(context);
    case 'shell':
      return ['bash', 'zsh', 'fish', 'powershell'].map((shell) => [shell, ''] as const);
    case 'topic':
      return [
        ...commandTable.map(({ name, summary }) => [name, summary] as const),
        ...topicNames.map((name) => [name, ''] as const),
      ];
    case undefined:
      return [];
    default:
      return assertNever(argument.completes);
  }
}

/** Ids only: their letters mean nothing to a shell, a label's might. What is known here, without asking the store. */
async function snapshotIds(context: CommandContext): Promise<readonly Value[]> {
  try {
    await using deps = await context.openSession({ needsKey: false });
    const { points } = await listSnapshots(deps, { refresh: 'never', signal: context.signal });
    return points.slice(0, idsMax).map(({ record }) => [record.id, record.kind] as const);
  } catch {
    // No vault, no store, no key: a key press is no place for an error.
    return [];
  }
}
