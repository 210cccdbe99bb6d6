import type { RollbackPlan } from '../../engine/rollback/plan-rollback.ts';
import type { StatusReport } from '../../engine/read-status.ts';
import type { WatchReport } from '../../engine/watch-health.ts';
import type { ByteString } from '../../lib/bytes.ts';
import type { Change } from '../../model/change.ts';
import type { HoldfastEvent } from '../../model/events.ts';
import type { SnapshotId } from '../../model/ids.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { KeyPress } from '../keys.ts';
import type { Line } from '../line.ts';
import type {
  Against,
  AppState,
  BrowsedEntry,
  ChangesFound,
  DiffFound,
  FoundRow,
  Message,
  VersionRow,
} from './app-state.ts';

/** What a failed piece of work says. */
export interface Failure {
  readonly message: string;
  readonly hint: string;
}

export type Result<T> = { readonly value: T } | { readonly failure: Failure };

/** Everything that can happen to the state: what a person does, what the engine tells, what work found. */
export type Action =
  | { readonly type: 'key'; readonly key: KeyPress }
  | { readonly type: 'resized'; readonly columns: number; readonly rows: number }
  | { readonly type: 'ticked'; readonly nowMs: number; readonly watch: WatchReport | null }
  | { readonly type: 'engine'; readonly event: HoldfastEvent }
  | {
      readonly type: 'points_read';
      readonly points: readonly RestorePoint[];
      readonly isWhole: boolean;
      readonly pinned: ReadonlySet<SnapshotId>;
      readonly store: 'asking' | 'answered' | 'unreachable';
    }
  | { readonly type: 'status_read'; readonly status: StatusReport }
  | { readonly type: 'when_read'; readonly query: string; readonly time: Date | null }
  | {
      readonly type: 'changes_read';
      readonly id: SnapshotId;
      readonly against: Against;
      readonly result: Result<ChangesFound>;
    }
  | { readonly type: 'diff_read'; readonly path: ByteString; readonly result: Result<DiffFound> }
  | { readonly type: 'folder_read'; readonly path: ByteString; readonly result: Result<readonly BrowsedEntry[]> }
  | { readonly type: 'versions_read'; readonly path: ByteString; readonly result: Result<readonly VersionRow[]> }
  | { readonly type: 'files_found'; readonly query: string; readonly result: Result<readonly FoundRow[]> }
  | { readonly type: 'plan_read'; readonly id: SnapshotId; readonly result: Result<RollbackPlan> }
  | { readonly type: 'refused'; readonly text: string }
  | { readonly type: 'job_done'; readonly message: Message; readonly outcome: Outcome | null }
  | { readonly type: 'told'; readonly message: Message }
  | { readonly type: 'stopped' };

/** How work ended, as a page of its own. */
export interface Outcome {
  readonly title: string;
  readonly lines: readonly Line[];
  /** What `o` opens. */
  readonly directory: string | null;
}

/** Work the state asks for. It is started outside of it, and what comes of it comes back as actions. */
export type Intent =
  | { readonly type: 'read_points' }
  | { readonly type: 'read_status' }
  | { readonly type: 'read_when'; readonly query: string }
  | { readonly type: 'read_changes'; readonly point: RestorePoint; readonly against: Against }
  | { readonly type: 'read_diff'; readonly point: RestorePoint; readonly against: Against; readonly change: Change }
  | { readonly type: 'read_version'; readonly path: ByteString; readonly id: SnapshotId }
  | { readonly type: 'read_folder'; readonly point: RestorePoint; readonly path: ByteString }
  | { readonly type: 'read_file'; readonly point: RestorePoint; readonly path: ByteString }
  | { readonly type: 'read_versions'; readonly path: ByteString }
  | { readonly type: 'find_files'; readonly query: string }
  | { readonly type: 'plan_rollback'; readonly point: RestorePoint }
  | Work
  | { readonly type: 'open_folder'; readonly directory: string }
  | { readonly type: 'stop_view' }
  | { readonly type: 'stop_job' };

/** The long work, one at a time. */
export type Work =
  | { readonly type: 'restore'; readonly id: SnapshotId; readonly path: ByteString | null }
  | { readonly type: 'snapshot'; readonly label: string }
  | { readonly type: 'set_pin'; readonly id: SnapshotId; readonly pinned: boolean }
  | { readonly type: 'verify' }
  | { readonly type: 'drill'; readonly id: SnapshotId }
  | { readonly type: 'rollback'; readonly point: RestorePoint; readonly label: string };

export interface Step {
  readonly state: AppState;
  readonly intents: readonly Intent[];
}
