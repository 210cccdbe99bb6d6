import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { gitBoolean, parseGitConfig } from '../../src/format/git-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What git reads, as "key\nvalue" or "key"; null when git refuses the file. */
function gitReads(text: string): string[] | null {
  const path = join(folder, 'config');
  writeFileSync(path, Buffer.from(text, 'latin1'));
  try {
    const output = execFileSync('git', ['config', '--file', path, '--no-includes', '--list', '-z'], {
      env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'latin1',
    });
    return output.split('\0').slice(0, -1).map(evenBlanks);
  } catch {
    return null;
  }
}

function weRead(text: string): string[] | null {
  const { entries, brokenLine } = parseGitConfig(text);
  if (brokenLine !== null) return null;
  return entries.map(({ key, value }) => evenBlanks(value === null ? key : `${key}\n${value}`));
}

/** Before 2.45 git turned tabs within a value into spaces; it keeps them now, and so do we. */
function evenBlanks(entry: string): string {
  return entry.replaceAll(/[\t\r]/g, ' ');
}

describe('a git configuration file', () => {
  test.each([
    '[core]\n\tbare = false\n\tfileMode\n',
    '[core] bare = true # a comment\n; another\n[user]name=A "B; C" D\n',
    '[remote "a \\"b\\\\c"]\n url = x\n[Branch "Case.Sensitive"]\n Merge = refs/heads/x\n',
    '[alias]\n x = one \\\n  two\\\n three   \n y = "  spaced  " \n',
    '\u00ef\u00bb\u00bf[a]\r\n b = c\r\n',
    '[a.b]\n c = "d\\n\\t\\b"\n',
    '[a]\nb = "unclosed\n',
    '[a]\nb = bad \\q\n',
    '[a\nb = c\n',
    'b = before any section\n',
    '[a]\n1b = c\n',
    '[a ""]\n b = 1\n[includeIf "gitdir:~/work/"]\n path = x\n',
    '[a]\nb=\nc =   # nothing\n',
    '',
  ])('%j reads as git reads it', (text) => {
    expect(weRead(text)).toEqual(gitReads(text));
  });

  test('reads like git whatever it is made of', () => {
    const piece = fc.constantFrom(
      '[',
      ']',
      '"',
      '\\',
      '\n',
      ' ',
      '\t',
      '=',
      '#',
      ';',
      'a',
      'B',
      '-',
      '.',
      '1',
      '[x]\n',
      '[x "y"]\n',
      'key = ',
      '\\\n',
      '\u00e9',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = `[s]\n${pieces.join('')}`;
        expect(weRead(text)).toEqual(gitReads(text));
      }),
      { numRuns: 500 },
    );
  });

  test('says which line is broken and keeps what came before', () => {
    expect(parseGitConfig('[a]\nb = c\n!\n')).toEqual({ entries: [{ key: 'a.b', value: 'c' }], brokenLine: 3 });
  });

  test.each([
    [null, true],
    ['yes', true],
    ['ON', true],
    ['1', true],
    ['2k', true],
    ['0', false],
    ['', false],
    ['off', false],
    ['maybe', null],
  ])('%j is the boolean %j', (value, expected) => {
    expect(gitBoolean(value)).toBe(expected);
  });
});
