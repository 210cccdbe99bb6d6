import { expect, test } from 'vitest';
import { treeLinks } from '../../../src/format/git/tree-links.ts';

const entry = (mode: string, name: string, byte: number): Buffer =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.alloc(20, byte)]);

test('follows trees that old versions of git wrote', () => {
  const content = Buffer.concat([
    entry('100664', 'b', 1),
    entry('040000', 'a', 2),
    entry('160000', 'sub', 3),
    entry('120000', 'l', 4),
  ]);
  expect([...treeLinks(content)].map(({ id, kind }) => [id.slice(0, 2), kind])).toEqual([
    ['01', 'blob'],
    ['02', 'tree'],
    ['03', 'gitlink'],
    ['04', 'blob'],
  ]);
});

test('refuses a tree cut short at any byte', () => {
  const content = entry('100644', 'name', 9);
  for (let length = 1; length < content.length; length++) {
    expect(() => [...treeLinks(content.subarray(0, length))]).toThrow('ends in the middle');
  }
});
