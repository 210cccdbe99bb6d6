import type { ByteString } from '../../lib/bytes.ts';
import type { VaultTree } from '../../model/vault-tree.ts';
import type { IgnoreContext } from './ignore-context.ts';
import type { FolderIdentity } from './scan-listing.ts';
import type { IgnoredNames } from './scan-memory.ts';

/** A folder found and not yet read. */
export interface PendingFolder {
  /** Relative to the vault, '' for the vault itself. */
  readonly path: ByteString;
  /** Where it hangs in the tree; -1 for the vault. */
  readonly parent: number;
  readonly row: number;
  /** The same folder in the base; -1 when it is new. */
  readonly baseFolder: number;
  readonly identity: FolderIdentity;
  /** Rules of the folder above. */
  readonly context: IgnoreContext;
  readonly isException: boolean;
  /** True when `parent` and `row` are numbers of another walk's tree. */
  readonly isOuter: boolean;
}

export interface WalkSettings {
  /** Absolute, a byte string, ending in '/'. */
  readonly rootPath: ByteString;
  readonly rootDevice: number;
  /** Names never looked at, by the folder they stand in. */
  readonly denied: ReadonlyMap<ByteString, ReadonlySet<ByteString>>;
  readonly oneFileSystem: boolean;
  readonly maxFileSize: number | null;
  /** Entries changed at or after this time are racy. */
  readonly racyFromMs: number;
}

/** What the walk compares with. */
export interface WalkBase {
  readonly tree: VaultTree;
  readonly ignored: IgnoredNames;
  /** True when the tracked paths are the same as then. */
  readonly isTrackingSame: boolean;
}
