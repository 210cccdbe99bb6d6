import { commandTable, type CommandGroup } from './command-table.ts';
import { globalOptions, type Command, type Example, type OptionSpec } from './command.ts';
import type { Output } from './output.ts';
import { usageOf } from './parse-arguments.ts';
import { topicNames } from './topic-names.ts';
import { padToWidth, wrapToWidth } from '../format/text-width.ts';

const proseColumnsMax = 88;
const nameColumnsMax = 28;

const groupTitles: Readonly<Record<Exclude<CommandGroup, 'hidden'>, string>> = {
  capture: 'Keep',
  look: 'Look',
  'get back': 'Get back',
  prove: 'Prove',
  more: 'More',
};

/** Prints all commands. */
export function printOverview(out: Output): void {
  printProse(out, 'holdfast keeps every version of the files that matter to you, and gives any of them back.');
  out.print();
  out.print(`Usage: ${out.paint('bold', 'holdfast <command>')} [flags]`);
  for (const [group, title] of Object.entries(groupTitles)) {
    out.print();
    out.print(out.paint('bold', title));
    const entries = commandTable.filter((entry) => entry.group === group);
    printPairs(
      out,
      entries.map(({ name, summary }) => [name, summary] as const),
      12,
    );
  }
  out.print();
  out.print(out.paint('bold', 'Flags of every command'));
  printOptions(out, globalOptions);
  out.print();
  printProse(out, 'holdfast help <command> explains a command, holdfast help <topic> a topic:');
  printProse(out, `${topicNames.join(', ')}.`);
}

/** Prints the help of one command. */
export function printCommandHelp(out: Output, command: Command): void {
  out.print(`Usage: ${out.paint('bold', usageOf(command))}`);
  for (const paragraph of command.description) {
    out.print();
    printProse(out, paragraph);
  }
  if (command.arguments.length > 0) {
    out.print();
    out.print(out.paint('bold', 'Arguments'));
    printPairs(
      out,
      command.arguments.map(({ name, summary }) => [name, summary] as const),
    );
  }
  if (command.options.length > 0) {
    out.print();
    out.print(out.paint('bold', 'Flags'));
    printOptions(out, command.options);
  }
  out.print();
  out.print(out.paint('bold', 'Flags of every command'));
  printOptions(out, globalOptions);
  if (command.examples.length === 0) return;
  out.print();
  out.print(out.paint('bold', 'Examples'));
  printExamples(out, command.examples);
}

/** Prints command lines, each whole however narrow the screen, with what they do beneath. */
export function printExamples(out: Output, examples: readonly Example[]): void {
  for (const { command: line, means } of examples) {
    out.print(`  ${out.paint('cyan', line)}`);
    for (const part of wrapToWidth(means, proseColumns(out) - 6)) out.print(`      ${part}`);
  }
}

/** Prints a paragraph, wrapped. */
export function printProse(out: Output, text: string): void {
  for (const line of wrapToWidth(text, proseColumns(out))) out.print(line);
}

/** Prints names with their meanings beside them, or beneath them where the screen is narrow. */
export function printPairs(out: Output, pairs: readonly (readonly [string, string])[], columnsMin = 0): void {
  const widest = Math.max(columnsMin, ...pairs.map(([name]) => Math.min(name.length, nameColumnsMax)));
  const width = proseColumns(out);
  const isNarrow = width < widest + 24;
  for (const [name, means] of pairs) {
    const indent = isNarrow ? 6 : widest + 4;
    const lines = wrapToWidth(means, width - indent);
    const fitsBeside = !isNarrow && name.length <= widest;
    out.print(
      `  ${out.paint('cyan', padToWidth(name, fitsBeside ? widest : 0))}${fitsBeside ? `  ${lines[0] ?? ''}` : ''}`,
    );
    for (const line of fitsBeside ? lines.slice(1) : lines) out.print(' '.repeat(indent) + line);
  }
}

function printOptions(out: Output, options: readonly OptionSpec[]): void {
  const pairs = options.map(({ flags, summary, choices }) => {
    const allowed = choices === undefined ? '' : ` (${choices.join(', ')})`;
    return [flags, summary + allowed] as const;
  });
  printPairs(out, pairs);
}

function proseColumns(out: Output): number {
  return Math.min(out.columns, proseColumnsMax);
}
