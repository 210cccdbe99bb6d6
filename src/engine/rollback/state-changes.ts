import type { ByteString } from '../../lib/bytes.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { Problem } from '../../model/problem.ts';

/** A file or link of the snapshot to go back to. */
export interface TargetFile {
  readonly kind: 'file' | 'executable' | 'link' | 'chunked';
  /** A blob, or for files kept in chunks the tree of them. */
  readonly id: ObjectId;
  /** Null where the metadata does not say. */
  readonly permissions: number | null;
  readonly mtimeMs: number | null;
}

/** One file or link that must change. */
export interface FileChange {
  readonly path: ByteString;
  /** Row of the live file; -1 when there is none. */
  readonly row: number;
  /** Null: the snapshot has none. */
  readonly target: TargetFile | null;
  /** Only permissions or time differ. */
  readonly keepsContent?: boolean;
}

/** One folder that must be made (`row` -1), go (`target` null), or get other permissions or another time. */
export interface FolderChange {
  readonly path: ByteString;
  readonly row: number;
  readonly target: { readonly permissions: number | null; readonly mtimeMs: number | null } | null;
}

/** Everything that differs between the vault and a snapshot. */
export interface StateChanges {
  readonly files: FileChange[];
  readonly folders: FolderChange[];
  /** Paths that differ and stay as they are, with the reason. */
  readonly leftAlone: Problem[];
  /** Paths that stay because they should, ignored files and our own settings: nothing is missing, but it is said. */
  readonly kept: Problem[];
}
