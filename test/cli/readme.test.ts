import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commandTable } from '../../src/cli/command-table.ts';
import { exitCodeMeanings } from '../../src/cli/exit-codes.ts';
import { topicNames } from '../../src/cli/topic-names.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const shown = commandTable.filter(({ group }) => group !== 'hidden').map(({ name }) => name);

/** What stands in backticks or in a block: text that somebody may type. */
const code = [...readme.matchAll(/```[^\n]*\n(.*?)```|`([^`\n]+)`/gs)].map(([, block, span]) => block ?? span!);

test('the README names every command of the program in its table', () => {
  const rows = new Set([...readme.matchAll(/^\| `([a-z]+)[^`]*`/gm)].map(([, name]) => name!));
  expect(shown.filter((name) => !rows.has(name))).toEqual([]);
});

test('every `holdfast <word>` of the README is a command', () => {
  const words = code.flatMap((text) => [...text.matchAll(/\bholdfast ([a-z][a-z-]*)/g)].map(([, word]) => word!));
  expect(words.length).toBeGreaterThan(40);
  expect([...new Set(words)].filter((word) => !shown.includes(word))).toEqual([]);
});

test('every flag that the README gives to a command is one of it', async () => {
  const lines = code.flatMap((text) => text.split('\n')).filter((line) => /^(\$ )?holdfast [a-z]/.test(line));
  for (const line of lines) {
    const [name, ...rest] = line.replace(/^\$ /, '').split(' ').slice(1);
    const own = rest.join(' ').split(/(?:^| )-- | {2}|;|&&|\|/)[0]!;
    const { globalOptions } = await import('../../src/cli/command.ts');
    const { options } = await commandTable.find((entry) => entry.name === name)!.load();
    const known = [...options, ...globalOptions].flatMap(({ flags }) => flags.match(/--?[a-z][a-z-]*/g) ?? []);
    const given = [...own.matchAll(/(?<=^| )--?[a-z][a-z-]*/g)].map(([flag]) => flag);
    expect([line, given.filter((flag) => !known.includes(flag))]).toEqual([line, []]);
  }
});

test('the README gives every exit code and leads to topics there are', () => {
  for (const { code: number } of exitCodeMeanings) expect(readme).toMatch(new RegExp(`^\\|[^|]*\\b${number}\\b`, 'm'));
  const topics = code.flatMap((text) => [...text.matchAll(/holdfast help ([a-z-]+)/g)].map(([, topic]) => topic!));
  expect(topics.filter((topic) => !shown.includes(topic) && !topicNames.some((known) => known === topic))).toEqual([]);
});
