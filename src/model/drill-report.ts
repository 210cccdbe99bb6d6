import type { SnapshotId } from './ids.ts';

export const drillComponents = ['files', 'history', 'metadata', 'database'] as const;

export type DrillComponent = (typeof drillComponents)[number];

export interface DrillComponentResult {
  readonly component: DrillComponent;
  /** 'none': the vault has nothing of the kind. 'skipped': it was not asked for. */
  readonly outcome: 'passed' | 'failed' | 'none' | 'skipped';
  /** Files, objects, entries or databases that were compared. */
  readonly checked: number;
  /** What was found, as a sentence. */
  readonly detail: string;
}

/** A duration that was measured, against what the settings ask for; in milliseconds. */
export interface DrillTarget {
  readonly measuredMs: number;
  readonly targetMs: number;
}

/** The outcome of one rehearsal of a restore. */
export interface DrillReport {
  readonly startedAt: string;
  readonly machine: { readonly id: string; readonly name: string };
  readonly writer: string;
  readonly snapshot: SnapshotId;
  /** 'git': everything was done with stock git and a shell, following RESTORE.md. */
  readonly method: 'holdfast' | 'git';
  readonly passed: boolean;
  readonly components: readonly DrillComponentResult[];
  readonly files: number;
  readonly sizeBytes: number;
  /** How long it took until everything was back. */
  readonly rto: DrillTarget;
  /** How much work would have been lost: the age of the newest complete snapshot of this machine. */
  readonly rpo: DrillTarget;
  readonly durationMs: number;
  readonly recommendations: readonly string[];
}
