import { equalIds, idBytes } from '../format/git/object-id.ts';
import type { ByteString } from '../lib/bytes.ts';
import { entryFlags, VaultTree } from '../model/vault-tree.ts';
import { pairRows } from './pair-rows.ts';

export interface TreeChanges {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/**
 * Counts the files and links that `tree` has, holds otherwise, or lacks against `base` (null: an empty vault). Another
 * content, kind or permission is a change, another time is not; what could not be read counts as lacking. Both trees
 * must be built: folders whose ids are equal are not entered. `except` is the path of a folder that does not count.
 */
export function countChanges(
  base: VaultTree | null,
  tree: VaultTree,
  options: { readonly except?: ByteString } = {},
): TreeChanges {
  const before = base ?? new VaultTree({ entries: 0, folders: 1, nameBytes: 0 });
  const except = options.except?.split('/') ?? [];
  const changes = { added: 0, changed: 0, removed: 0 };
  // `matched`: how many components of `except` lead here; -1 when the path left it.
  const waiting = [{ folder: 0, beforeFolder: 0, matched: 0 }];
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    const { folder, beforeFolder, matched } = pair;
    pairRows({ tree, folder }, { tree: before, folder: beforeFolder }, (row, beforeRow) => {
      const child = childOf(tree, row);
      const beforeChild = childOf(before, beforeRow);
      if (child < 0 && beforeChild < 0) {
        const isThere = isStored(tree, row);
        const wasThere = isStored(before, beforeRow);
        if (isThere && !wasThere) changes.added++;
        else if (wasThere && !isThere) changes.removed++;
        else if (isThere && !isSameEntry(tree, row, { before, beforeRow })) changes.changed++;
        return;
      }
      if (child >= 0 && beforeChild >= 0 && isSameFolder(tree, row, { before, beforeRow })) return;
      const next = { folder: child, beforeFolder: beforeChild, matched: -1 };
      if (matched >= 0 && nameOf(tree, row, { before, beforeRow }) === except[matched]) next.matched = matched + 1;
      if (next.matched !== except.length) waiting.push(next);
    });
  }
  return changes;
}

interface BeforeRow {
  readonly before: VaultTree;
  readonly beforeRow: number;
}

/** The folder a row stands for; -1 for files, links, folders that could not be read, and for no row. */
function childOf(tree: VaultTree, row: number): number {
  if (row < 0 || (tree.flags[row]! & entryFlags.absent) !== 0) return -1;
  return tree.childFolders[row]!;
}

function isStored(tree: VaultTree, row: number): boolean {
  return row >= 0 && !tree.isFolder(row) && (tree.flags[row]! & entryFlags.absent) === 0;
}

function isSameEntry(tree: VaultTree, row: number, { before, beforeRow }: BeforeRow): boolean {
  return (
    tree.modes[row] === before.modes[beforeRow] && equalIds(tree.ids, row * idBytes, before.ids, beforeRow * idBytes)
  );
}

/** Equal metadata too, because another permission leaves the snapshot tree as it was. */
function isSameFolder(tree: VaultTree, row: number, { before, beforeRow }: BeforeRow): boolean {
  return (
    (tree.flags[row]! & before.flags[beforeRow]! & entryFlags.hasId) !== 0 &&
    equalIds(tree.ids, row * idBytes, before.ids, beforeRow * idBytes) &&
    equalIds(
      tree.metadataIds,
      tree.childFolders[row]! * idBytes,
      before.metadataIds,
      before.childFolders[beforeRow]! * idBytes,
    )
  );
}

function nameOf(tree: VaultTree, row: number, { before, beforeRow }: BeforeRow): ByteString {
  return row >= 0 ? tree.name(row) : before.name(beforeRow);
}
