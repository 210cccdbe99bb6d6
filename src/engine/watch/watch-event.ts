import type { HoldfastError } from '../../model/errors.ts';
import type { SnapshotOutcome } from '../take-snapshot.ts';

/** What a person following a watcher gets to see. */
export type WatchEvent =
  /** The first look is done: from now on changes are seen. */
  | { readonly type: 'ready'; readonly files: number; readonly folders: number; readonly sees: 'events' | 'polling' }
  | { readonly type: 'taken'; readonly outcome: Extract<SnapshotOutcome, { kind: 'taken' }> }
  /** Snapshots that waited for the store are there now. */
  | { readonly type: 'uploaded' }
  /** Nothing is captured for the moment; null: going on. */
  | { readonly type: 'paused'; readonly reason: string | null }
  | { readonly type: 'failed'; readonly error: HoldfastError }
  | { readonly type: 'limited'; readonly unwatched: number; readonly code: string; readonly remedy: string }
  /** Everything is looked at again. */
  | { readonly type: 'rescan'; readonly reason: string }
  | { readonly type: 'job_ended'; readonly name: string; readonly error: HoldfastError | null };
