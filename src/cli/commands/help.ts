import { displayText } from '../../format/display-name.ts';
import { nearestOf } from '../../lib/nearest.ts';
import { HoldfastError } from '../../model/errors.ts';
import { commandTable } from '../command-table.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { printCommandHelp, printOverview } from '../help-text.ts';
import { usageOf } from '../parse-arguments.ts';
import { topicNames } from '../topic-names.ts';

export const command: Command = {
  name: 'help',
  summary: 'explain a command or a topic',
  description: [`Explains a command, or one of the topics ${topicNames.join(', ')}.`],
  arguments: [{ name: '[topic]', summary: 'a command or a topic', completes: 'topic' }],
  options: [],
  examples: [
    { command: 'holdfast help restore', means: 'a command' },
    { command: 'holdfast help when', means: 'the ways to name a time' },
  ],
  async run({ args, out }) {
    const [name] = args;
    if (name === undefined) {
      printOverview(out);
      out.result({
        command: 'help',
        commands: visibleCommands().map(({ name: of, summary }) => ({ name: of, summary })),
      });
      return exitCodes.ok;
    }
    const entry = visibleCommands().find((candidate) => candidate.name === name);
    if (entry !== undefined) {
      const explained = await entry.load();
      printCommandHelp(out, explained);
      const { summary, description, arguments: takes, options, examples } = explained;
      out.result({
        command: 'help',
        name,
        usage: usageOf(explained),
        summary,
        description,
        arguments: takes,
        options,
        examples,
      });
      return exitCodes.ok;
    }
    const { topics } = await import('../topics.ts');
    const topic = topics.find((candidate) => candidate.name === name);
    if (topic === undefined)
      throw unknownTopic(
        name,
        [...visibleCommands(), ...topics].map((known) => known.name),
      );
    topic.print(out);
    out.result({ command: 'help', topic: name, ...topic.fields() });
    return exitCodes.ok;
  },
};

function visibleCommands() {
  return commandTable.filter((entry) => entry.group !== 'hidden');
}

function unknownTopic(name: string, known: readonly string[]): HoldfastError {
  const nearest = nearestOf(name, known);
  return new HoldfastError(
    'command_unknown',
    `There is no command or topic "${displayText(name, { charsMax: 60 })}".`,
    {
      hint: nearest === null ? 'See all of them with: holdfast help' : `Did you mean: holdfast help ${nearest}`,
    },
  );
}
