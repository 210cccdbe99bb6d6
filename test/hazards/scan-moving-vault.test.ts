import { lstatSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { IgnoreBook } from '../../src/adapters/vault/ignore-book.ts';
import { IgnoreContext } from '../../src/adapters/vault/ignore-context.ts';
import { ScopeJudge } from '../../src/adapters/vault/scan-judge.ts';
import { FolderListing } from '../../src/adapters/vault/scan-listing.ts';
import { scanNotices } from '../../src/adapters/vault/scan-notices.ts';
import { settleFolders } from '../../src/adapters/vault/scan-settle.ts';
import { VaultWalk } from '../../src/adapters/vault/scan-walk.ts';
import { byteStringOfText } from '../../src/lib/bytes.ts';
import { scratchFolder } from '../support/scratch.ts';
import { buildVault, pathsIn } from '../support/vault-builder.ts';

/** A walk that has read the vault's own folder and nothing below it yet. */
function walkAtTop(root: string): VaultWalk {
  const { dev: device, ino: inode } = statSync(root);
  const book = new IgnoreBook({
    ignoreCase: false,
    prefix: '',
    outerRules: [],
    syncRules: [],
    readsGitignore: true,
    allowSecrets: false,
    logFolder: null,
  });
  const settings = {
    rootPath: `${byteStringOfText(root)}/`,
    rootDevice: device,
    denied: new Map(),
    oneFileSystem: false,
    maxFileSize: null,
    racyFromMs: 0,
  };
  const walk = new VaultWalk(settings, { book, judge: new ScopeJudge(book, null), base: null });
  const above = { context: IgnoreContext.ofBook(book), isException: false, isOuter: false };
  walk.visit({ path: '', parent: -1, row: -1, baseFolder: -1, identity: { device, inode }, ...above });
  return walk;
}

function finish(walk: VaultWalk): void {
  for (let folder = walk.pending.pop(); folder !== undefined; folder = walk.pending.pop()) walk.visit(folder);
  settleFolders(walk, null);
}

test('F16: a folder that vanishes before it is read is a notice, and no phantom entry', () => {
  const root = scratchFolder();
  buildVault(root, { 'gone/file': 'x', 'kept/file': 'x' });
  const walk = walkAtTop(root);
  rmSync(join(root, 'gone'), { recursive: true });
  finish(walk);
  expect(pathsIn(walk.tree)).toEqual(['kept/', 'kept/file']);
  expect(walk.problems).toEqual([]);
  expect(scanNotices(walk.counts, new Set())).toEqual([expect.objectContaining({ code: 'vanished', count: 1 })]);
});

test('F16: a file that vanishes between listing and looking is counted, the others are listed', () => {
  const root = scratchFolder();
  buildVault(root, { a: 'x', b: 'x', c: 'x' });
  const { dev: device, ino: inode } = lstatSync(root);
  // Asked between the two about every name, so it can do what another program would.
  const denied = new (class extends Set<string> {
    override has(name: string): boolean {
      if (name === 'b') rmSync(join(root, name));
      return false;
    }
  })();
  const listing = new FolderListing();
  const folder = `${byteStringOfText(root)}/`;
  expect(listing.read(folder, { identity: { device, inode }, denied, isRoot: true })).toBe(null);
  expect([listing.names, listing.vanished]).toEqual([['a', 'c'], 1]);
});

test.each([
  ['a link to a folder outside', (sub: string) => symlinkSync('../outside', sub)],
  ['another folder', (sub: string) => renameSync(join(sub, '../../outside'), sub)],
])('F17: a folder swapped for %s is a problem, not a way out', (_, swap) => {
  const home = scratchFolder();
  buildVault(home, { 'vault/sub/file': 'x', 'vault/kept': 'x', 'outside/foreign': 'x' });
  const sub = join(home, 'vault/sub');
  const walk = walkAtTop(join(home, 'vault'));
  renameSync(sub, join(home, 'old'));
  swap(sub);
  finish(walk);
  expect(pathsIn(walk.tree)).toEqual(['kept']);
  expect(walk.problems).toEqual([expect.objectContaining({ path: 'sub', code: 'replaced_while_read' })]);
});
