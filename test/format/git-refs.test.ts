import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRefName, parseIdLines, parsePackedRefs, parseRefFile, parseReflog } from '../../src/format/git-refs.ts';

const id = 'a'.repeat(40);
const other = 'b'.repeat(40);
const zero = '0'.repeat(40);

describe('a ref name', () => {
  test('is what git check-ref-format takes', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '.',
      '..',
      '/',
      '//',
      '@',
      '@{',
      '{',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      '\\',
      ' ',
      '\x01',
      '\x7f',
      '.lock',
      '-',
      '\u00e9',
      'refs/',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const name = `refs/${pieces.join('')}`;
        const { status } = spawnSync('git', ['check-ref-format', Buffer.from(name, 'latin1').toString('utf8')]);
        expect(isRefName(name)).toBe(status === 0);
      }),
      { numRuns: 400 },
    );
  });

  test.each(['HEAD', 'heads/main', 'refs', 'refs/', '../refs/heads/x', `refs/${'x'.repeat(2000)}`, 'refs/heads/\0'])(
    '%j is none',
    (name) => {
      expect(isRefName(name)).toBe(false);
    },
  );
});

test('a ref file holds an id or names another ref', () => {
  expect(parseRefFile(`${id}\n`)).toEqual({ kind: 'id', id });
  expect(parseRefFile(id.toUpperCase())).toEqual({ kind: 'id', id });
  expect(parseRefFile('ref: refs/heads/main\n')).toEqual({ kind: 'symbolic', target: 'refs/heads/main' });
  for (const broken of ['', 'ref:', 'ref: \n', `${id}b`, 'hello', '\0'.repeat(41)])
    expect(parseRefFile(broken)).toBeNull();
});

test('packed refs keep well-named ones and count the rest', () => {
  const text = `# pack-refs with: peeled fully-peeled sorted \n${id} refs/heads/a\n${other} refs/tags/t\n^${id}\n${id} ../evil\nnonsense\n`;
  expect(parsePackedRefs(text)).toEqual({
    refs: [
      { name: 'refs/heads/a', id },
      { name: 'refs/tags/t', id: other },
    ],
    badLines: 2,
  });
});

test('a reflog gives its whole lines', () => {
  const text = [
    'f00 cut',
    `${zero} ${id} A B <a@b> 1700000000 +0100\tcommit (initial): x`,
    `${id} ${other} A <a> 1700000001 +0000`,
    `${id} torn`,
  ].join('\n');
  expect(parseReflog(text)).toEqual([
    { before: null, after: id, seconds: 1_700_000_000, message: 'commit (initial): x' },
    { before: id, after: other, seconds: 1_700_000_001, message: '' },
  ]);
});

test('lines of ids drop what is none', () => {
  expect(parseIdLines(`${id}\n${other}\tbranch 'x'\nzz\n${zero}\n`)).toEqual([id, other]);
});
