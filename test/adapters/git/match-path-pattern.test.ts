import { expect, test } from 'vitest';
import { matchPathPattern } from '../../../src/adapters/git/match-path-pattern.ts';

test.each([
  ['/a/b/**', '/a/b/.git', true],
  ['/a/b/**', '/a/b', false],
  ['/a/b/**', '/a/bc/.git', false],
  ['**/b/**', '/x/a/b/.git', true],
  ['**/vault/.git', '/x/vault/.git', true],
  ['/a/**/z', '/a/z', true],
  ['/a/**/z', '/a/b/c/z', true],
  ['/a/*/z', '/a/b/c/z', false],
  ['/a/v*t', '/a/vault', true],
  ['/a/?b', '/a/bb', true],
  ['/a/?b', '/a//b', false],
  ['main', 'main', true],
  ['feature/**', 'feature', false],
  ['/a/[bc]', '/a/b', null],
])('%j against %j is %j', (pattern, path, expected) => {
  expect(matchPathPattern(pattern, path)).toBe(expected);
});

test('a pattern made to be slow is not', () => {
  const stars = 'a*'.repeat(1_000);
  expect(matchPathPattern(`**/${stars}b/**/${stars}b`, `/${'a'.repeat(2_000)}/${'a'.repeat(2_000)}`)).toBe(false);
});
