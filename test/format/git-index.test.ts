import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { byteStringOf } from '../../src/lib/bytes.ts';
import { joinSharedIndex } from '../../src/format/git-index-link.ts';
import { lowerBound } from '../../src/format/git-index-paths.ts';
import type { IndexPaths } from '../../src/format/git-index-paths.ts';
import { parseGitIndex } from '../../src/format/git-index.ts';
import { isHoldfastError } from '../../src/model/errors.ts';
import { TemporaryRepositories } from '../adapters/git/temporary-repository.ts';

let temporary: TemporaryRepositories;
beforeAll(() => {
  temporary = new TemporaryRepositories();
});
afterAll(() => temporary[Symbol.dispose]());

const blob = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';

function namesOf(paths: IndexPaths): string[] {
  return Array.from(paths.starts, (start, row) => byteStringOf(paths.bytes.subarray(start, paths.ends[row])));
}

function read(folder: string, hashBytes: 20 | 32 = 20): string[] {
  const gitDir = join(folder, '.git');
  const { paths, link } = parseGitIndex(readFileSync(join(gitDir, 'index')), hashBytes);
  if (link === null) return namesOf(paths);
  const shared = readFileSync(join(gitDir, `sharedindex.${link.base}`));
  return namesOf(joinSharedIndex(paths, link, parseGitIndex(shared, hashBytes).paths));
}

function listed(folder: string): string[] {
  return temporary.git(folder, ['ls-files', '-z', '--sparse']).split('\0').slice(0, -1);
}

function add(folder: string, names: readonly string[], mode = '100644'): void {
  temporary.git(
    folder,
    ['update-index', '--add', '-z', '--index-info'],
    names.map((name) => `${mode} ${blob}\t${name}\0`).join(''),
  );
}

describe('an index made by git', () => {
  test.each(['2', '3', '4'])('of version %s lists the paths git lists', (version) => {
    const folder = temporary.create(`version-${version}`);
    add(folder, [
      'z',
      'deep/er/x',
      'deep/er/y',
      `long/${'n'.repeat(200)}/${'m'.repeat(4100)}`,
      'space name',
      'tab\tname',
    ]);
    temporary.git(folder, ['update-index', '--index-version', version]);
    // An entry with an extended flag makes git write version 3.
    if (version === '3') temporary.git(folder, ['update-index', '--skip-worktree', 'a.txt']);
    expect(read(folder)).toEqual(listed(folder));
  });

  test('that is split lists what both halves hold', () => {
    const folder = temporary.create('split');
    add(
      folder,
      Array.from({ length: 300 }, (_, i) => `f${i}`),
    );
    temporary.git(folder, ['update-index', '--split-index']);
    temporary.git(folder, ['rm', '-q', '--cached', ...Array.from({ length: 130 }, (_, i) => `f${i + 20}`)]);
    add(folder, ['aaa', 'f25', 'f7', 'zzz']);
    expect(readFileSync(join(folder, '.git', 'index')).length).toBeLessThan(4_000);
    expect(read(folder)).toEqual(listed(folder));
  });

  test('of a SHA-256 repository is read with wider names', () => {
    const folder = temporary.create('sha256', ['--object-format=sha256']);
    expect(read(folder, 32)).toEqual(listed(folder));
  });

  test('with its checksum left out is read all the same', () => {
    const folder = temporary.create('skip-hash');
    const bytes = readFileSync(join(folder, '.git', 'index'));
    bytes.fill(0, bytes.length - 20);
    expect(namesOf(parseGitIndex(bytes, 20).paths)).toEqual(listed(folder));
  });

  test('holds what random paths git was given', () => {
    const folder = temporary.create('random');
    const part = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', '\u00e9', ' ', '-', '.x'),
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 40 }), fc.constantFrom('2', '4'), (names, version) => {
        temporary.git(folder, ['read-tree', '--empty']);
        add(
          folder,
          names.map((name, i) => `d${i % 3}/${name}_`),
        );
        temporary.git(folder, ['update-index', '--index-version', version]);
        const paths = read(folder);
        expect(paths).toEqual(listed(folder));
      }),
      { numRuns: 25 },
    );
  });
});

test('a cut or damaged index is refused, never half read', () => {
  const folder = temporary.create('damaged');
  add(folder, ['b', 'c', 'd/e']);
  temporary.git(folder, ['update-index', '--index-version', '4']);
  const bytes = readFileSync(join(folder, '.git', 'index'));
  for (let length = 0; length < bytes.length - 60; length++) {
    expect(() => parseGitIndex(bytes.subarray(0, length), 20)).toThrow('The git index cannot be read');
  }
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const mutated = Buffer.from(bytes);
      mutated[at]! ^= change;
      expect(codeOfReading(mutated)).toMatch(/^(?:read|object_corrupt)$/);
    }),
    { numRuns: 2_000 },
  );
});

function codeOfReading(bytes: Buffer): string {
  try {
    parseGitIndex(bytes, 20);
    return 'read';
  } catch (error) {
    return isHoldfastError(error) ? error.code : String(error);
  }
}

test('a count that cannot be true is refused before memory is made', () => {
  const header = Buffer.alloc(200);
  header.write('DIRC', 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(0xffffffff, 8);
  expect(() => parseGitIndex(header, 20)).toThrow('more entries');
});

test('lookups find the first path that is not smaller', () => {
  const folder = temporary.create('bounds');
  const { paths } = parseGitIndex(readFileSync(join(folder, '.git', 'index')), 20);
  expect(namesOf(paths)).toEqual(['a.txt', 'sub/b.txt']);
  expect(['', 'a', 'a.txt', 'a.txt0', 'sub/', 'z'].map((path) => lowerBound(paths, path))).toEqual([0, 0, 0, 1, 1, 2]);
});
