import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TemporaryRepositories } from './temporary-repository.ts';

let temporary: TemporaryRepositories;
beforeAll(() => {
  temporary = new TemporaryRepositories();
});
afterAll(() => temporary[Symbol.dispose]());

// Segments that are part wildcard, part "**" are left out: the matcher is documented to read those otherwise.
const piece = fc.constantFrom('a', 'b', 'hold', '*', '?', '[ab]', '[!a]', '\\a', ' ', '#', 'A', '\u00e9', '.');
const segment = fc.oneof(
  { weight: 4, arbitrary: fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: fc.constant('**') },
);
const rule = fc
  .tuple(
    fc.constantFrom('', '', '!'),
    fc.constantFrom('', '/'),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '/', ' ', '\r'),
  )
  .map(([negation, start, segments, end]) => negation + start + segments.join('/') + end)
  .filter((text) => !/\*\*[^/\s]|[^/!]\*\*/.test(text));
const rules = fc.array(rule, { maxLength: 5 }).map((lines) => `${lines.join('\n')}\n`);

test('a folder is ignored by name when git says so', async () => {
  const folder = temporary.create('vault');
  const paths = ['hold', 'a/hold', 'a/b/hold', 'b'];
  for (const path of paths) mkdirSync(join(folder, path), { recursive: true });
  const repository = temporary.open(folder);
  await fc.assert(
    fc.asyncProperty(rules, rules, rules, async (root, nested, exclude) => {
      temporary.write(folder, { '.gitignore': root, 'a/.gitignore': nested, '.git/info/exclude': exclude });
      const listed = temporary
        .tryGit(folder, ['check-ignore', '-z', '--stdin', '--no-index'], paths.join('\0'))
        .stdout.split('\0');
      const ours: string[] = [];
      for (const path of paths) if (await repository.ignoresFolder(path)) ours.push(path);
      expect(ours).toEqual(paths.filter((path) => listed.includes(path)));
    }),
    { numRuns: 300 },
  );
});
