import { mkdirSync, renameSync, rmSync, statSync, type watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FolderWatches } from '../../../src/adapters/watcher/folder-watches.ts';
import { prepareWatcher } from '../../../src/adapters/watcher/open-watcher.ts';
import type { WatchHint } from '../../../src/ports/watcher.ts';
import { scratchFolder } from '../../support/scratch.ts';

async function openVault(gitFolder: string | null = null) {
  const root = scratchFolder();
  mkdirSync(join(root, 'a/b'), { recursive: true });
  const seen: WatchHint[] = [];
  let wake: () => void = () => {};
  const open = await prepareWatcher({
    root,
    logFolder: 'state/log',
    privateFolder: 'state/.holdfast',
    holdingFolder: '_restore',
    gitFolder: gitFolder === null ? null : join(root, gitFolder),
    backend: 'folders',
  });
  if (gitFolder !== null) mkdirSync(join(root, gitFolder, 'refs/heads'), { recursive: true });
  const watcher = open((hint) => {
    seen.push(hint);
    wake();
  });
  onTestFinished(() => watcher[Symbol.asyncDispose]());
  const folder = (path: string) => ({ path, inode: path === '' ? 0 : statSync(join(root, path)).ino });
  /** Resolves once such a hint came; hints that came before `forget` do not count. */
  const hinted = async (is: (hint: WatchHint) => boolean): Promise<void> => {
    while (!seen.some(is)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const forget = (): void => {
    seen.length = 0;
  };
  return { root, watcher, seen, folder, hinted, forget };
}

const ofFolder =
  (path: string) =>
  (hint: WatchHint): boolean =>
    hint.kind === 'folder' && hint.path === path;

describe('watching folder by folder', () => {
  test('a change marks its folder; a folder not followed says nothing', async () => {
    const { root, watcher, folder, hinted, seen } = await openVault();
    expect(watcher.follow([folder(''), folder('a')], { isWhole: true })).toEqual(['', 'a']);
    writeFileSync(join(root, 'a/b/hidden'), 'x');
    writeFileSync(join(root, 'a/note'), 'x');
    await hinted(ofFolder('a'));
    expect(seen.some(ofFolder('a/b'))).toBe(false);
    expect(watcher.watchedCount).toBe(2);
  });

  test('Q07: an editor that replaces the file is seen every time', async () => {
    const { root, watcher, folder, hinted, forget } = await openVault();
    writeFileSync(join(root, 'a/note'), '0');
    watcher.follow([folder(''), folder('a')], { isWhole: true });
    for (let round = 0; round < 5; round++) {
      forget();
      writeFileSync(join(root, 'a/note.tmp'), String(round));
      renameSync(join(root, 'a/note.tmp'), join(root, 'a/note'));
      await hinted(ofFolder('a'));
    }
    expect(watcher.watchedCount).toBe(2);
  });

  test('Q07: a folder that was removed and made anew is watched anew, even under the inode it had', async () => {
    const { root, watcher, folder, hinted, forget } = await openVault();
    watcher.follow([folder(''), folder('a'), folder('a/b')], { isWhole: true });
    rmSync(join(root, 'a/b'), { recursive: true });
    await hinted(ofFolder('a/b'));
    mkdirSync(join(root, 'a/b'));
    expect(watcher.follow([folder('a/b')], { isWhole: false })).toEqual(['a/b']);
    forget();
    writeFileSync(join(root, 'a/b/note'), 'x');
    await hinted(ofFolder('a/b'));
    expect(watcher.watchedCount).toBe(3);
  });

  test('a folder that was renamed is followed under its new name', async () => {
    const { root, watcher, folder, hinted, forget } = await openVault();
    watcher.follow([folder(''), folder('a'), folder('a/b')], { isWhole: true });
    renameSync(join(root, 'a'), join(root, 'c'));
    await hinted(ofFolder(''));
    expect(watcher.follow([folder(''), folder('c'), folder('c/b')], { isWhole: true })).toEqual(['c', 'c/b']);
    forget();
    writeFileSync(join(root, 'c/b/note'), 'x');
    await hinted(ofFolder('c/b'));
    expect(watcher.watchedCount).toBe(3);
  });

  test('X12: our own log is not watched', async () => {
    const { root, watcher, folder } = await openVault();
    mkdirSync(join(root, 'state/log'), { recursive: true });
    expect(watcher.follow([folder('state'), folder('state/log')], { isWhole: true })).toEqual(['state']);
  });

  test('refs of the repository give a hint, its index and locks do not', async () => {
    const { root, hinted, seen } = await openVault('.git');
    writeFileSync(join(root, '.git/index'), 'x');
    writeFileSync(join(root, '.git/refs/heads/main.lock'), 'x');
    writeFileSync(join(root, '.git/HEAD'), 'ref: refs/heads/main\n');
    await hinted(({ kind }) => kind === 'repository');
    expect(seen.every(({ kind }) => kind === 'repository')).toBe(true);
  });

  test('Q06: at the limit it says how many folders are not watched and what raises it, and asks again next time', () => {
    const seen: WatchHint[] = [];
    let asked = 0;
    const refuse = (() => {
      asked++;
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    }) as unknown as typeof watch;
    const watches = new FolderWatches({
      root: '/v',
      never: new Set(),
      onHint: (hint) => seen.push(hint),
      watch: refuse,
    });
    const folders = ['', 'a', 'b'].map((path) => ({ path, inode: 1 }));
    expect(watches.follow(folders, { isWhole: true })).toEqual([]);
    expect(asked).toBe(1);
    expect(seen).toMatchObject([{ kind: 'limited', unwatched: 3, code: 'ENOSPC' }]);
    watches.follow(folders, { isWhole: true });
    expect(asked).toBe(2);
  });
});
