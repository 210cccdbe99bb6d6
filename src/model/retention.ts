import type { RestorePoint } from './restore-point.ts';

/** What prune keeps, per machine. Counts are of hours, days, ISO weeks and months (UTC) that have a complete snapshot. */
export interface RetentionRules {
  /** Everything younger than this is kept, in milliseconds. */
  readonly within: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  /** Snapshots with a label a person gave are kept. */
  readonly labelled: boolean;
}

export type Retention = 'all' | RetentionRules;

/** Why a snapshot stays, or goes. Codes are stable: scripts match on them. */
export type RetentionReason =
  | 'all'
  | 'pinned'
  | 'labelled'
  | 'newest'
  | 'newest_complete'
  | 'safety'
  | 'future'
  | 'within'
  | 'hourly'
  | 'daily'
  | 'weekly'
  | 'monthly'
  | 'partial'
  | 'superseded';

export interface RetentionDecision {
  readonly point: RestorePoint;
  readonly keep: boolean;
  /** Never empty, the weightiest first. */
  readonly reasons: readonly RetentionReason[];
}

/** Safety snapshots of a rollback stay this long, so that it can be undone. */
export const safetyKeptMs = 30 * 24 * 3_600_000;

/** A snapshot further ahead of now than this was taken by a wrong clock. */
export const clockSkewMsMax = 5 * 60_000;
