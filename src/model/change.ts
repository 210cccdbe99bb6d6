import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from './ids.ts';

/** One file or link as it was or is. `id` names its content: a blob, or for files kept in chunks the tree of them. */
export interface ChangeSide {
  readonly path: ByteString;
  readonly kind: 'file' | 'executable' | 'link' | 'chunked';
  readonly id: ObjectId;
  /** Of a file in chunks, whose bit stands in the list of them: where it was looked up. */
  readonly executable?: boolean;
}

/**
 * One difference between two trees. 'changed' is another content (and perhaps another mode), 'mode' the executable bit
 * alone, 'type' a file that became a link or the other way round. A file that became a folder is one removed and others added.
 */
export type Change =
  | { readonly kind: 'added'; readonly path: ByteString; readonly before: null; readonly after: ChangeSide }
  | { readonly kind: 'removed'; readonly path: ByteString; readonly before: ChangeSide; readonly after: null }
  | {
      readonly kind: 'changed' | 'mode' | 'type';
      readonly path: ByteString;
      readonly before: ChangeSide;
      readonly after: ChangeSide;
    }
  | {
      readonly kind: 'renamed';
      /** Where it is now; `before.path` is where it was. */
      readonly path: ByteString;
      readonly before: ChangeSide;
      readonly after: ChangeSide;
      /** Share of the content that stayed, in percent; 100 means every byte. */
      readonly similarity: number;
    };

export type ChangeKind = Change['kind'];

/** Counts of changes, for one line of summary. */
export interface ChangeCounts {
  readonly added: number;
  /** Content, mode or type. */
  readonly changed: number;
  readonly removed: number;
  readonly renamed: number;
}

export function countChangeKinds(changes: readonly Change[]): ChangeCounts {
  const counts = { added: 0, changed: 0, removed: 0, renamed: 0 };
  for (const { kind } of changes) counts[kind === 'mode' || kind === 'type' ? 'changed' : kind]++;
  return counts;
}
