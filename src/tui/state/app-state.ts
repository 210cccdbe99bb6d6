import type { RollbackPlan } from '../../engine/rollback/plan-rollback.ts';
import type { StatusReport } from '../../engine/read-status.ts';
import type { WatchReport } from '../../engine/watch-health.ts';
import type { SnapshotEntryKind } from '../../engine/read-tree.ts';
import type { ByteString } from '../../lib/bytes.ts';
import type { Change } from '../../model/change.ts';
import type { ObjectId, SnapshotId } from '../../model/ids.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { Line } from '../line.ts';
import type { DiffRow } from './diff-rows.ts';

/** Something asked of the engine. */
export type Loadable<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly message: string; readonly hint: string }
  | { readonly state: 'ready'; readonly value: T };

/** Where a list stands: the marked row and the first one drawn. */
export interface Scroll {
  readonly cursor: number;
  readonly top: number;
}

/** The restore points, newest first, and the days they fall on. */
export interface Timeline extends Scroll {
  readonly points: readonly RestorePoint[];
  /** False while older ones are still being read. */
  readonly isWhole: boolean;
  readonly query: string;
  /** The moment the query means; null when it is words. */
  readonly queryTime: Date | null;
  /** Rows as drawn: an index into `points`, or for the heading of a day -1 minus the index of its first point. */
  readonly rows: readonly number[];
  readonly matches: number;
}

/** One row of the tree of changes: a folder, or a change in it. */
export interface ChangeRow {
  readonly path: ByteString;
  readonly name: string;
  readonly depth: number;
  /** Null for a folder. */
  readonly change: Change | null;
  /** Null when it is not known. */
  readonly sizeBytes: number | null;
}

export interface ChangesFound {
  readonly rows: readonly ChangeRow[];
  readonly counts: {
    readonly added: number;
    readonly changed: number;
    readonly removed: number;
    readonly renamed: number;
  };
  /** Changes beyond those in `rows`. */
  readonly more: number;
}

export interface DiffFound {
  readonly rows: readonly DiffRow[];
  readonly note: string;
}

export interface BrowsedEntry {
  readonly path: ByteString;
  readonly name: string;
  readonly kind: SnapshotEntryKind;
  readonly id: ObjectId | null;
  readonly sizeBytes: number | null;
  readonly mtimeMs: number | null;
}

export interface VersionRow {
  /** Null: the file was not there. */
  readonly entryId: ObjectId | null;
  readonly sizeBytes: number | null;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly since: SnapshotId;
  readonly until: SnapshotId;
  readonly pointCount: number;
  readonly label: string;
}

export interface FoundRow {
  readonly path: ByteString;
  readonly name: string;
  readonly kind: SnapshotEntryKind;
  readonly newest: SnapshotId;
  readonly newestMs: number;
  readonly versionCount: number;
  readonly isCurrent: boolean;
}

export type Against = 'previous' | 'live';

/** What was opened on top of the timeline; the last one is seen. */
export type Screen =
  | (Scroll & {
      readonly kind: 'changes';
      readonly point: RestorePoint;
      readonly against: Against;
      readonly found: Loadable<ChangesFound>;
      /** Of the marked change, drawn beside the tree where there is room. */
      readonly diff: { readonly path: ByteString; readonly found: Loadable<DiffFound> } | null;
    })
  | (Scroll & {
      readonly kind: 'diff';
      readonly point: RestorePoint;
      readonly path: ByteString;
      readonly title: string;
      readonly found: Loadable<DiffFound>;
    })
  | (Scroll & {
      readonly kind: 'browse';
      readonly point: RestorePoint;
      readonly path: ByteString;
      readonly found: Loadable<readonly BrowsedEntry[]>;
      readonly preview: { readonly path: ByteString; readonly found: Loadable<DiffFound> } | null;
    })
  | (Scroll & { readonly kind: 'versions'; readonly path: ByteString; readonly found: Loadable<readonly VersionRow[]> })
  | (Scroll & { readonly kind: 'found'; readonly query: string; readonly found: Loadable<readonly FoundRow[]> })
  | (Scroll & {
      readonly kind: 'rollback';
      readonly point: RestorePoint;
      readonly plan: Loadable<RollbackPlan>;
      readonly typed: string;
      readonly refusal: string;
    })
  | (Scroll & {
      readonly kind: 'outcome';
      readonly title: string;
      readonly lines: readonly Line[];
      readonly directory: string | null;
    })
  | (Scroll & { readonly kind: 'help' });

export type ScreenKind = Screen['kind'] | 'timeline';

/** A line being typed. */
export interface Prompt {
  readonly for: 'filter' | 'label' | 'find';
  readonly text: string;
}

/** The one long piece of work under way. */
export interface Job {
  readonly name: string;
  readonly command: string;
  readonly startedMs: number;
  readonly phase: string;
  readonly done: number;
  readonly total: number | null;
  readonly unit: string;
  readonly isStopping: boolean;
}

export interface Message {
  readonly text: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'plain';
  /** The command that does the same, or mends it; '' for none. */
  readonly command: string;
}

/** Everything the screen is drawn from. */
export interface AppState {
  readonly size: { readonly columns: number; readonly rows: number };
  readonly nowMs: number;
  readonly vaultName: string;
  readonly machineId: string;
  readonly store: 'asking' | 'answered' | 'unreachable';
  readonly status: StatusReport | null;
  readonly watch: WatchReport | null;
  readonly pinned: ReadonlySet<SnapshotId>;
  readonly timeline: Timeline;
  readonly screens: readonly Screen[];
  readonly prompt: Prompt | null;
  readonly job: Job | null;
  readonly message: Message | null;
  readonly isSideBySide: boolean;
  readonly isOver: boolean;
}

export function screenKindOf(state: AppState): ScreenKind {
  return state.screens.at(-1)?.kind ?? 'timeline';
}

/** The marked restore point; null on the heading of a day and in an empty list. */
export function markedPoint({ points, rows, cursor }: Timeline): RestorePoint | null {
  const row = rows[cursor];
  return row === undefined || row < 0 ? null : points[row]!;
}
