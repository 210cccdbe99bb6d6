import { expect, test } from 'vitest';
import { foldProblems } from '../../src/model/fold-problems.ts';
import type { Problem } from '../../src/model/problem.ts';

const unreadable = (path: string): Problem => ({ path, code: 'unreadable_file', message: 'permission denied' });

test('names every path while the list is readable', () => {
  const problems = Array.from({ length: 5000 }, (_, i) => unreadable(`a/${i}`));
  expect(foldProblems(problems)).toBe(problems);
});

test('lets folders stand for what went wrong in them when there is too much, and keeps the count', () => {
  const problems = Array.from({ length: 120_000 }, (_, i) => unreadable(`a/${Math.floor(i / 10)}/${i}`));
  const folded = foldProblems([...problems, { path: 'b', code: 'unstable', message: 'changed while it was read' }]);
  expect(folded).toEqual([
    { path: 'a/', code: 'unreadable_file', message: '120000 entries: permission denied' },
    { path: 'b', code: 'unstable', message: 'changed while it was read' },
  ]);
});
