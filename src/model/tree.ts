import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from './ids.ts';

/** Git's file modes, the only ones that occur in a snapshot tree. */
export const fileModes = {
  file: 0o100644,
  executable: 0o100755,
  link: 0o120000,
  tree: 0o040000,
  /** A submodule pointer: occurs in the user's own commits, never in a snapshot tree. */
  gitlink: 0o160000,
} as const;

export interface TreeEntry {
  /** One path component, a byte string. */
  readonly name: ByteString;
  readonly mode: number;
  readonly id: ObjectId;
}

/**
 * Git's order of tree entries: bytes, where a folder counts as its name plus '/'. Writing or reading any other order
 * makes trees that `git fsck` refuses.
 */
export function compareTreeEntries(
  a: { name: ByteString; mode: number },
  b: { name: ByteString; mode: number },
): number {
  const nameA = a.mode === fileModes.tree ? `${a.name}/` : a.name;
  const nameB = b.mode === fileModes.tree ? `${b.name}/` : b.name;
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
}
