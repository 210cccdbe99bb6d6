import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { openWorkingTree, type WorkingTreeOptions } from '../../src/adapters/vault/open-working-tree.ts';
import { byteStringOfText, bytesOf, type ByteString } from '../../src/lib/bytes.ts';
import { entryFlags, type VaultTree } from '../../src/model/vault-tree.ts';
import type { IgnoreSources, Scan, ScanOptions, StatCache, TrackedPaths } from '../../src/ports/working-tree.ts';

/** What to put at a path: text or bytes for a file, `{ link }` for a link, null for an empty folder. */
export type VaultContent = string | Uint8Array | { readonly link: ByteString } | null;

/** Writes files, links and folders below `root`; paths and link targets are byte strings, parents are made as needed. */
export function buildVault(root: string, contents: Readonly<Record<ByteString, VaultContent>>): void {
  for (const [path, content] of Object.entries(contents)) {
    const slash = path.lastIndexOf('/');
    if (slash > 0) mkdirSync(onDisk(root, path.slice(0, slash)), { recursive: true });
    if (content === null) mkdirSync(onDisk(root, path), { recursive: true });
    else if (typeof content === 'string') writeFileSync(onDisk(root, path), bytesOf(content));
    else if (content instanceof Uint8Array) writeFileSync(onDisk(root, path), content);
    else symlinkSync(bytesOf(content.link), onDisk(root, path));
  }
}

/** Absolute path of a byte-string path below `root`. */
export function onDisk(root: string, path: ByteString): Buffer {
  return bytesOf(`${byteStringOfText(root)}/${path}`);
}

export function makeFifo(root: string, path: string): void {
  execFileSync('mkfifo', [`${root}/${path}`]);
}

/** Binds a socket at a path, open until the test ends. */
export async function makeSocket(root: string, path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${root}/${path}`, resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
}

export const noIgnoreSources: IgnoreSources = {
  vaultPrefix: '',
  ignoreCase: false,
  excludesFile: null,
  infoExclude: null,
  outerFolders: [],
};

/** Tracked paths as a scan wants them, from a list. */
export function trackedPathsOf(paths: readonly ByteString[], signature = paths.join('\n')): ScanOptions['tracked'] {
  const load = (): TrackedPaths => ({
    hasFile: (path) => paths.includes(path),
    hasFolder: (path) => paths.some((tracked) => tracked.startsWith(`${path}/`)),
    changedSince: () => null,
  });
  return { signature, load };
}

export interface TestScanOptions extends Partial<WorkingTreeOptions>, Partial<ScanOptions> {}

/** Scans with the settings a new vault has, except those given. */
export function scanOf(root: string, options: TestScanOptions = {}): Promise<Scan> {
  const workingTree = openWorkingTree({
    root,
    holdingDir: '_restore',
    stateDir: 'state',
    gitignore: true,
    allowSecrets: false,
    oneFileSystem: false,
    maxFileSize: null,
    chunkAbove: 8 * 1024 * 1024,
    now: Date.now,
    ...options,
  });
  return workingTree.scan({ ignore: noIgnoreSources, tracked: null, base: null, ...options });
}

/** What the scan would be kept as, had every file been read; every id is a made-up one. */
export function cacheOf(scan: Scan): StatCache {
  const { tree, memory } = scan;
  for (const row of scan.dirty) {
    tree.flags[row]! |= entryFlags.hasId;
    tree.ids.fill((row % 255) + 1, row * 20, row * 20 + 20);
  }
  return { tree, memory, snapshotId: 'snapshot', storeId: 'store', storeGeneration: '1', historyFingerprint: null };
}

/** Paths of everything in the tree, folders ending in '/', in the order of rows walked folder by folder. */
export function pathsIn(tree: VaultTree): ByteString[] {
  const paths: ByteString[] = [];
  const addFolder = (folder: number, prefix: ByteString): void => {
    const start = tree.folderEntryStarts[folder]!;
    for (let row = start; row < start + tree.folderEntryCounts[folder]!; row++) {
      if ((tree.flags[row]! & entryFlags.absent) !== 0) continue;
      const path = prefix + tree.name(row);
      paths.push(tree.isFolder(row) ? `${path}/` : path);
      if (tree.isFolder(row)) addFolder(tree.childFolders[row]!, `${path}/`);
    }
  };
  addFolder(0, '');
  return paths;
}

/** Paths of files and links only, sorted by their bytes. */
export function filesIn(tree: VaultTree): ByteString[] {
  return pathsIn(tree)
    .filter((path) => !path.endsWith('/'))
    .sort();
}
