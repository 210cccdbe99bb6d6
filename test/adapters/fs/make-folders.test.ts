import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolders } from '../../../src/adapters/fs/make-folders.ts';
import { scratchFolder } from '../../support/scratch.ts';

test('makes what is missing, says what the topmost was, and does nothing twice', () => {
  const root = scratchFolder();
  expect(makeFolders(join(root, 'a/b/c'), 0o700)).toBe(join(root, 'a'));
  expect(statSync(join(root, 'a/b')).mode & 0o777).toBe(0o700);
  expect(makeFolders(join(root, 'a/b/c'))).toBeUndefined();
  expect(makeFolders(join(root, 'a/b/d'))).toBe(join(root, 'a/b/d'));
});

test('takes a link to a folder for one, and nothing else for a folder', () => {
  const root = scratchFolder();
  makeFolders(join(root, 'real'));
  symlinkSync('real', join(root, 'link'));
  expect(makeFolders(join(root, 'link/inner'))).toBe(join(root, 'link/inner'));
  expect(makeFolders(join(root, 'link'))).toBeUndefined();
  writeFileSync(join(root, 'file'), '');
  expect(() => makeFolders(join(root, 'file'))).toThrow('EEXIST');
  expect(() => makeFolders(join(root, 'file/inner'))).toThrow('ENOTDIR');
});

test.runIf(existsSync('/proc/self'))('ends where a file system makes no folders', () => {
  expect(() => makeFolders('/proc/.local/share/holdfast')).toThrow('ENOENT');
});
