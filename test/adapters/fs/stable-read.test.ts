import { closeSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasStayed, openStable, readUpTo, type ScannedFile } from '../../../src/adapters/fs/stable-read.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { buildVault, makeFifo, makeSocket } from '../../support/vault-builder.ts';

function scanned(root: string, path: string): ScannedFile {
  return { root, path, inode: lstatSync(join(root, path)).ino };
}

/** Opens and reads as a caller would; null when it is not what was scanned. */
function contentOf(file: ScannedFile): string | null {
  const opened = openStable(file);
  if (opened === null) return null;
  try {
    const bytes = Buffer.alloc(opened.stat.size);
    return bytes.subarray(0, readUpTo(opened.fd, bytes, 0)).toString();
  } finally {
    closeSync(opened.fd);
  }
}

function vault(): string {
  const root = scratchFolder();
  buildVault(root, { 'a/b/file': 'inside', 'outside/b/file': 'secret' });
  return root;
}

describe('openStable', () => {
  test('opens what the scan saw', () => {
    const root = vault();
    expect(contentOf(scanned(root, 'a/b/file'))).toBe('inside');
  });

  test('takes a file saved in its place by a rename', () => {
    const root = vault();
    const file = scanned(root, 'a/b/file');
    writeFileSync(join(root, 'a/b/new'), 'saved');
    renameSync(join(root, 'a/b/new'), join(root, 'a/b/file'));
    expect(contentOf(file)).toBe('saved');
  });

  test.each<[string, (path: string, root: string) => void | Promise<void>]>([
    ['a link to a file', (path) => symlinkSync('../../outside/b/file', path)],
    ['a dangling link', (path) => symlinkSync('nowhere', path)],
    ['a folder', (path) => mkdirSync(path)],
    ['a fifo, without waiting for it', (_, root) => makeFifo(root, 'a/b/file')],
    ['a socket', (_, root) => makeSocket(root, 'a/b/file')],
  ])('refuses %s', async (_, put) => {
    const root = vault();
    const file = scanned(root, 'a/b/file');
    rmSync(join(root, 'a/b/file'));
    await put(join(root, 'a/b/file'), root);
    expect(contentOf(file)).toBeNull();
  });

  test.each(['a', 'a/b'])('refuses a file reached through a link at %s', (folder) => {
    const root = vault();
    const file = scanned(root, 'a/b/file');
    renameSync(join(root, folder), join(root, 'aside'));
    symlinkSync(join(root, 'outside', folder === 'a' ? '.' : 'b'), join(root, folder));
    expect(contentOf(file)).toBeNull();
  });

  test('leaves no descriptor open when it refuses', () => {
    const root = vault();
    const file = scanned(root, 'a/b/file');
    rmSync(join(root, 'a/b/file'));
    mkdirSync(join(root, 'a/b/file'));
    const before = openStable(scanned(root, 'outside/b/file'))!.fd;
    closeSync(before);
    for (let i = 0; i < 10; i++) openStable(file);
    const after = openStable(scanned(root, 'outside/b/file'))!.fd;
    closeSync(after);
    expect(after).toBe(before);
  });

  test('passes on what the system says when it cannot open', () => {
    const root = vault();
    const file = scanned(root, 'a/b/file');
    rmSync(join(root, 'a'), { recursive: true });
    expect(() => openStable(file)).toThrow('ENOENT');
  });
});

test('hasStayed tells a file that was touched while open, once', () => {
  const root = vault();
  const opened = openStable(scanned(root, 'a/b/file'))!;
  try {
    expect(hasStayed(opened)).toBe(true);
    writeFileSync(join(root, 'a/b/file'), 'longer than before');
    expect(hasStayed(opened)).toBe(false);
    expect(opened.stat.size).toBe(18);
    expect(hasStayed(opened)).toBe(true);
  } finally {
    closeSync(opened.fd);
  }
});
