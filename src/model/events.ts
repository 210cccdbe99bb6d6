import type { ByteString } from '../lib/bytes.ts';
import type { SnapshotId } from './ids.ts';
import type { Notice, Problem } from './problem.ts';

/** The long steps a person can watch. */
export type Phase =
  | 'scan'
  | 'capture'
  | 'history'
  | 'seal'
  | 'upload'
  | 'refresh'
  | 'plan'
  | 'restore'
  | 'rollback'
  | 'verify'
  | 'replicate'
  | 'repair'
  | 'export'
  | 'reindex'
  | 'compare'
  | 'search'
  | 'prune';

/**
 * Everything a user interface can know while work goes on. Facts in the present tense, no prose, no colour, no
 * secrets; reporters own the words. Sizes in bytes, durations in milliseconds.
 */
export type HoldfastEvent =
  | { readonly type: 'phase_started'; readonly phase: Phase }
  | {
      readonly type: 'progress';
      readonly phase: Phase;
      readonly done: number;
      /** Null while unknown. */
      readonly total: number | null;
      readonly unit: 'files' | 'bytes' | 'snapshots' | 'objects';
    }
  | { readonly type: 'phase_finished'; readonly phase: Phase; readonly durationMs: number }
  | { readonly type: 'problem_found'; readonly problem: Problem }
  | { readonly type: 'notice_given'; readonly notice: Notice }
  | { readonly type: 'request_retried'; readonly reason: string; readonly delayMs: number }
  | { readonly type: 'snapshot_captured'; readonly id: SnapshotId }
  | { readonly type: 'snapshot_published'; readonly id: SnapshotId; readonly waited: boolean }
  | { readonly type: 'file_restored'; readonly path: ByteString };
