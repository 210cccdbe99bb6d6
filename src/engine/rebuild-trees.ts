import { idBytes } from '../format/git/object-id.ts';
import { entryFlags, modeBits, type VaultTree } from '../model/vault-tree.ts';
import type { ObjectWriter } from '../ports/object-writer.ts';
import type { Scan } from '../ports/working-tree.ts';
import { type BuiltTrees, buildFolder, buildRoot } from './build-trees.ts';

/**
 * As `buildTrees`, for a scan of a few folders: builds those and the folders above them. All others have their ids from the base,
 * whose objects the store must still have. `counts` are those of the base.
 */
export function rebuildTrees(
  scan: Pick<Scan, 'tree'> & { readonly part: NonNullable<Scan['part']> },
  writer: ObjectWriter,
  before: { readonly base: VaultTree; readonly counts: BuiltTrees['counts'] },
): BuiltTrees {
  const { tree, part } = scan;
  const { base } = before;
  const touched = withFoldersAbove(tree, part.readFolders);
  addUnbuilt(tree, touched);
  for (const folder of byDepth(tree, touched)) {
    if (folder > 0 && (tree.flags[tree.folderRows[folder]!]! & entryFlags.absent) === 0)
      buildFolder(tree, folder, writer);
  }
  const counts = { ...before.counts };
  for (const folder of touched) addRun(counts, { tree, folder }, 1);
  for (const folder of [...touched, ...part.goneFolders]) {
    if (folder < base.folderCount) addRun(counts, { tree: base, folder }, -1);
  }
  return { ...buildRoot(tree, writer), counts };
}

/** These folders and all they are in. */
export function withFoldersAbove(tree: VaultTree, folders: readonly number[]): Set<number> {
  const touched = new Set<number>();
  for (const folder of folders) {
    for (let at = folder; at >= 0 && !touched.has(at); at = tree.folderParents[at]!) touched.add(at);
  }
  return touched;
}

/** An earlier scan that found nothing to store left folders unbuilt whose objects were given up. */
function addUnbuilt(tree: VaultTree, touched: Set<number>): void {
  // The set grows while it is walked.
  for (const folder of touched) {
    const first = tree.folderEntryStarts[folder]!;
    const end = first + tree.folderEntryCounts[folder]!;
    for (let row = first; row < end; row++) {
      const child = tree.childFolders[row]!;
      const isThere = child >= 0 && (tree.flags[row]! & entryFlags.absent) === 0;
      if (isThere && isNull(tree.metadataIds, child * idBytes)) touched.add(child);
    }
  }
}

function isNull(ids: Uint8Array, start: number): boolean {
  for (let at = start; at < start + idBytes; at++) if (ids[at] !== 0) return false;
  return true;
}

/** Deepest first: a folder is built after those in it. */
function byDepth(tree: VaultTree, folders: ReadonlySet<number>): number[] {
  const depths = new Map<number, number>();
  for (const folder of folders) {
    let depth = 0;
    for (let at = folder; at > 0; at = tree.folderParents[at]!) depth++;
    depths.set(folder, depth);
  }
  return [...folders].sort((a, b) => depths.get(b)! - depths.get(a)!);
}

type Counts = { -readonly [Key in keyof BuiltTrees['counts']]: number };

function addRun(counts: Counts, { tree, folder }: { tree: VaultTree; folder: number }, sign: 1 | -1): void {
  const first = tree.folderEntryStarts[folder]!;
  const end = first + tree.folderEntryCounts[folder]!;
  for (let row = first; row < end; row++) {
    if ((tree.flags[row]! & entryFlags.absent) !== 0) continue;
    const kind = tree.modes[row]! & modeBits.kindMask;
    if (kind === modeBits.folder) counts.folders += sign;
    else if (kind === modeBits.link) counts.links += sign;
    else {
      counts.files += sign;
      counts.sizeBytes += sign * tree.sizes[row]!;
    }
  }
}
