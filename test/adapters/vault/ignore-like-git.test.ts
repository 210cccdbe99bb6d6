import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, isAscii, type ByteString } from '../../../src/lib/bytes.ts';
import { scratchFolder } from '../../support/scratch.ts';
import {
  buildVault,
  cacheOf,
  filesIn,
  noIgnoreSources,
  scanOf,
  trackedPathsOf,
  type TestScanOptions,
} from '../../support/vault-builder.ts';

const name = fc.constantFrom(
  'a',
  'b',
  'ab',
  'abc',
  'A',
  'B.PNG',
  'b.png',
  'a.txt',
  'build',
  'Build',
  'data',
  '.x',
  '-a',
  'a-b',
  'a b',
  'a ',
  '#a',
  '!a',
  'a\\b',
  '[a]',
  'a*',
  '*',
  '?',
  'caf\u00c3\u00a9',
  'caf\u00e9',
  'a\nb',
  '\u00ef\u00bb\u00bf',
);
const folderPath = fc.array(name, { maxLength: 3 }).map((parts) => parts.join('/'));
const filePath = fc.tuple(folderPath, name).map(([folder, last]) => (folder === '' ? last : `${folder}/${last}`));

const atom = fc.constantFrom(
  'a',
  'b',
  'ab',
  'A',
  '*',
  '?',
  '*.png',
  '*.PNG',
  'a*',
  '*b',
  '[ab]',
  '[!a]',
  '[a-c]*',
  '[[:alpha:]]',
  '[[:upper:]]*',
  'build',
  'data',
  'a\\*',
  '\\*',
  '\\[a]',
  'a\\\\b',
  'caf?',
  'caf??',
  'caf\u00c3\u00a9',
  '.*',
  '*.txt',
  'a\\ ',
  '-*',
);
const pattern = fc
  .tuple(
    fc.constantFrom('', '', '', '!', '\\!', '\\#', '#'),
    fc.constantFrom('', '', '/', '**/'),
    fc.array(fc.oneof({ weight: 5, arbitrary: atom }, { weight: 1, arbitrary: fc.constant('**') }), {
      minLength: 1,
      maxLength: 3,
    }),
    fc.constantFrom('', '', '/', '/**', ' ', '  ', '\\ ', '\r', '/*'),
  )
  .map(([sign, start, parts, end]) => sign + start + parts.join('/') + end);
const ignoreFile = fc.array(pattern, { minLength: 1, maxLength: 5 }).map((lines) => lines.join('\n'));

/** One vault holds many small trees, the first at its top, because a call of git costs more than a hundred files. */
const treesInVault = 12;
const tree = fc.record({
  files: fc.uniqueArray(filePath, { minLength: 3, maxLength: 16 }),
  rules: fc.array(fc.tuple(folderPath, ignoreFile), { minLength: 1, maxLength: 3 }),
});
const vault = fc.record({
  trees: fc.array(tree, { minLength: treesInVault, maxLength: treesInVault }),
  infoExclude: fc.option(ignoreFile, { nil: '' }),
  excludesFile: fc.option(ignoreFile, { nil: '' }),
  tracked: fc.array(fc.nat(), { maxLength: 6 }),
});

interface Built {
  readonly root: string;
  /** Files git tracks. */
  readonly tracked: readonly ByteString[];
  readonly options: TestScanOptions;
}

type VaultSpec = typeof vault extends fc.Arbitrary<infer T> ? T : never;

/** Writes the vault as a repository made by hand, which is ten times quicker than `git init`. */
function build(home: string, spec: VaultSpec, ignoreCase: boolean): Built {
  const root = join(home, 'vault');
  const gitDir = join(root, '.git');
  for (const folder of ['objects', 'refs', 'info']) mkdirSync(join(gitDir, folder), { recursive: true });
  const excludesFile = join(home, 'excludes');
  writeFileSync(join(gitDir, 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(
    join(gitDir, 'config'),
    `[core]\n\trepositoryformatversion = 0\n\tignoreCase = ${ignoreCase}\n\texcludesFile = ${excludesFile}\n`,
  );
  writeFileSync(join(gitDir, 'info/exclude'), bytesOf(spec.infoExclude));
  writeFileSync(excludesFile, bytesOf(spec.excludesFile));
  const contents = new Map<ByteString, string>();
  const put = (path: ByteString, content: string): void => {
    // A name cannot be a file and a folder at once: what comes second is left out.
    const parts = path.split('/');
    const isBlocked =
      parts.some((_, i) => i > 0 && contents.has(parts.slice(0, i).join('/'))) ||
      [...contents.keys()].some((other) => other.startsWith(`${path}/`));
    if (!isBlocked) contents.set(path, content);
  };
  for (const [i, { files, rules }] of spec.trees.entries()) {
    const top = i === 0 ? '' : `t${i}/`;
    for (const path of files) put(top + path, '');
    for (const [folder, text] of rules) put(`${top}${folder === '' ? '' : `${folder}/`}.gitignore`, text);
  }
  buildVault(root, Object.fromEntries(contents));
  const files = [...contents.keys()];
  const tracked = [...new Set(spec.tracked.map((i) => files[i % files.length]!))];
  if (tracked.length > 0) git(root, ['add', '-f', '--pathspec-from-file=-', '--pathspec-file-nul'], tracked);
  const ignore = { ...noIgnoreSources, ignoreCase, excludesFile, infoExclude: join(gitDir, 'info/exclude') };
  return { root, tracked, options: { ignore, tracked: trackedPathsOf(tracked), allowSecrets: true } };
}

function git(root: string, args: readonly string[], paths: readonly ByteString[] = []): ByteString[] {
  const output = execFileSync('git', ['--literal-pathspecs', '-C', root, ...args], {
    env: { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    input: bytesOf(paths.join('\0')),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return output.toString('latin1').split('\0').slice(0, -1);
}

/** Runs `check` on random vaults, each in a fresh folder. */
async function forVaults(
  numRuns: number,
  check: (built: Built, spec: VaultSpec) => Promise<void>,
  options: { readonly ignoreCase: boolean } = { ignoreCase: false },
): Promise<void> {
  const home = scratchFolder();
  await fc.assert(
    fc.asyncProperty(vault, async (spec) => {
      rmSync(home, { recursive: true, force: true });
      mkdirSync(home);
      // With ignoreCase git also hides untracked twins of tracked names, which a disk that ignores case cannot hold.
      const built = build(home, options.ignoreCase ? { ...spec, tracked: [] } : spec, options.ignoreCase);
      await check(built, spec);
    }),
    { numRuns },
  );
}

function expectedFiles(built: Built, extra: readonly string[] = []): ByteString[] {
  const untracked = git(built.root, ['ls-files', '-o', '-z', '--exclude-standard', ...extra]);
  return [...new Set([...untracked, ...built.tracked])].sort();
}

describe('scope', () => {
  test('is what git would list as untracked, and what it tracks', async () => {
    await forVaults(20, async (built) => {
      const scan = await scanOf(built.root, built.options);
      expect(filesIn(scan.tree)).toEqual(expectedFiles(built));
    });
  });

  test('is the same again when verdicts are remembered, and when the rules change under them', async () => {
    await forVaults(5, async (built) => {
      const first = await scanOf(built.root, built.options);
      const again = await scanOf(built.root, { ...built.options, base: cacheOf(first) });
      expect(filesIn(again.tree)).toEqual(filesIn(first.tree));
      expect(again.ledger).toEqual(first.ledger);
      writeFileSync(join(built.root, '.gitignore'), '*.txt\na\n!build/\n');
      const changed = await scanOf(built.root, { ...built.options, base: cacheOf(again) });
      expect(filesIn(changed.tree)).toEqual(expectedFiles(built));
    });
  });

  test('follows the set of tracked files', async () => {
    await forVaults(5, async (built) => {
      const none = { ...built.options, tracked: trackedPathsOf([]) };
      const first = await scanOf(built.root, none);
      const tracked = await scanOf(built.root, { ...built.options, base: cacheOf(first) });
      expect(filesIn(tracked.tree)).toEqual(expectedFiles(built));
      const untracked = await scanOf(built.root, { ...none, base: cacheOf(tracked) });
      expect(filesIn(untracked.tree)).toEqual(filesIn(first.tree));
    });
  });

  test('takes letter case from core.ignoreCase', async () => {
    await forVaults(
      5,
      async (built) => {
        const scan = await scanOf(built.root, built.options);
        expect(filesIn(scan.tree)).toEqual(expectedFiles(built));
      },
      { ignoreCase: true },
    );
  });

  test('with a .syncignore that only excludes is what git would list with those patterns on top', async () => {
    // Patterns go to git as arguments, which are text and taken as they are.
    const plain = pattern.filter((text) => isAscii(text) && !/^[!#\\]|[\r ]$/.test(text));
    const home = scratchFolder();
    await fc.assert(
      fc.asyncProperty(vault, fc.array(plain, { minLength: 1, maxLength: 3 }), async (spec, patterns) => {
        rmSync(home, { recursive: true, force: true });
        mkdirSync(home);
        const built = build(home, { ...spec, tracked: [] }, false);
        const expected = expectedFiles(
          built,
          patterns.map((text) => `--exclude=${text}`),
        );
        writeFileSync(join(built.root, '.syncignore'), bytesOf(patterns.join('\n')));
        const scan = await scanOf(built.root, built.options);
        const found = filesIn(scan.tree).filter((path) => path !== '.syncignore');
        expect(found).toEqual(expected.filter((path) => path !== '.syncignore'));
      }),
      { numRuns: 5 },
    );
  });

  test('with a .syncignore that re-includes holds all git would list with those patterns on top, and stays so', async () => {
    const plain = pattern.filter((text) => isAscii(text) && !/^[#\\]|[\r ]$/.test(text));
    const home = scratchFolder();
    await fc.assert(
      fc.asyncProperty(vault, fc.array(plain, { minLength: 1, maxLength: 4 }), async (spec, patterns) => {
        rmSync(home, { recursive: true, force: true });
        mkdirSync(home);
        const built = build(home, { ...spec, tracked: [] }, false);
        const listed = expectedFiles(
          built,
          patterns.map((text) => `--exclude=${text}`),
        );
        writeFileSync(join(built.root, '.syncignore'), bytesOf(patterns.join('\n')));
        const first = await scanOf(built.root, built.options);
        const found = new Set(filesIn(first.tree));
        expect(listed.filter((path) => !found.has(path))).toEqual([]);
        const again = await scanOf(built.root, { ...built.options, base: cacheOf(first) });
        expect(filesIn(again.tree)).toEqual(filesIn(first.tree));
        expect(again.ledger).toEqual(first.ledger);
      }),
      { numRuns: 5 },
    );
  });
});
