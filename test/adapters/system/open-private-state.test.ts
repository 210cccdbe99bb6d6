import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { preparePrivateState } from '../../../src/adapters/system/open-private-state.ts';
import { isHoldfastError } from '../../../src/model/errors.ts';
import { scratchFolder } from '../../support/scratch.ts';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isHoldfastError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the private state', () => {
  test('is made private, ignoring itself, and made once', () => {
    const vault = scratchFolder();
    const state = preparePrivateState(join(vault, 'state'), vault);
    const directory = join(vault, 'state', '.holdfast');
    expect(state).toEqual({
      directory,
      cache: join(directory, 'cache'),
      spool: join(directory, 'spool'),
      run: join(directory, 'run'),
    });
    expect(readdirSync(directory).toSorted()).toEqual(['.gitignore', 'cache', 'run', 'spool']);
    expect(readFileSync(join(directory, '.gitignore'), 'utf8')).toBe('*\n');
    for (const path of Object.values(state)) expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(preparePrivateState(join(vault, 'state'), vault)).toEqual(state);
  });

  test('narrows folders that others could enter, and keeps what is in them', () => {
    const vault = scratchFolder();
    const { spool } = preparePrivateState(join(vault, 'state'), vault);
    writeFileSync(join(spool, 'x'), 'kept');
    chmodSync(spool, 0o755);
    preparePrivateState(join(vault, 'state'), vault);
    expect(statSync(spool).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(spool, 'x'), 'utf8')).toBe('kept');
  });

  test.each(['state', 'state/.holdfast', 'state/.holdfast/cache', 'state/.holdfast/spool', 'state/.holdfast/run'])(
    'is refused when %s is a symlink or a file, and nothing is written behind it (Q17)',
    (part) => {
      const outside = scratchFolder();
      for (const plant of [(path: string) => symlinkSync(outside, path), (path: string) => writeFileSync(path, '')]) {
        const vault = scratchFolder();
        mkdirSync(join(vault, part, '..'), { recursive: true });
        plant(join(vault, part));
        expect(codeOf(() => preparePrivateState(join(vault, 'state'), vault))).toBe('directory_unusable');
      }
      expect(readdirSync(outside)).toEqual([]);
    },
  );

  test('is refused behind a symlink deeper in the vault, and accepted outside it', () => {
    const [vault, outside] = [scratchFolder(), scratchFolder()];
    symlinkSync(outside, join(vault, 'link'));
    expect(codeOf(() => preparePrivateState(join(vault, 'link', 'state'), vault))).toBe('directory_unusable');
    expect(readdirSync(outside)).toEqual([]);
    preparePrivateState(join(outside, 'a', 'b'), vault);
    expect(existsSync(join(outside, 'a', 'b', '.holdfast', 'run'))).toBe(true);
  });

  test('does not write through a planted .gitignore', () => {
    const [vault, outside] = [scratchFolder(), scratchFolder()];
    mkdirSync(join(vault, 'state', '.holdfast'), { recursive: true });
    symlinkSync(join(outside, 'target'), join(vault, 'state', '.holdfast', '.gitignore'));
    preparePrivateState(join(vault, 'state'), vault);
    expect(readdirSync(outside)).toEqual([]);
  });
});
