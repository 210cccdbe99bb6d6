import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellQuote } from '../../src/cli/shell-quote.ts';
import { byteStringOf, byteStringOfText, bytesOf } from '../../src/lib/bytes.ts';

test.each([
  ['plain.md', `'plain.md'`],
  ["it's", String.raw`'it'\''s'`],
  ['-rf $(reboot) `x`', `'-rf $(reboot) \`x\`'`],
  ['a\nb', String.raw`$'a\x0ab'`],
])('%j becomes %s', (text, quoted) => {
  expect(shellQuote(byteStringOfText(text), 'linux')).toBe(quoted);
});

test('PowerShell doubles its quotes', () => {
  expect(shellQuote("it's", 'win32')).toBe("'it''s'");
});

test('bash gets back the very bytes, whatever they are', () => {
  const names = fc.sample(fc.uint8Array({ min: 1, minLength: 1, maxLength: 24 }), { numRuns: 200, seed: 7 });
  const script = names.map((name) => `printf '%s\\0' ${shellQuote(byteStringOf(name), 'linux')}`).join('\n');
  const out = execFileSync('bash', ['--norc', '-c', script], { env: { LC_ALL: 'C' } });
  expect(byteStringOf(out)).toBe(names.map((name) => `${byteStringOf(name)}\0`).join(''));
  expect(out).toEqual(bytesOf(byteStringOf(out)));
});
