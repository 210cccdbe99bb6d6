import type { RunbookFacts } from './facts.ts';

/** One row of the recovery matrix: what happens, how long it takes, how much is lost, who does it. */
export interface RecoveryRow {
  readonly scenario: string;
  /** Measured where a drill measured it, in milliseconds; null where nothing did. */
  readonly rtoMs: number | null;
  readonly rpoMs: number | null;
  readonly automated: 'yes' | 'partly' | 'no';
  /** What it rests on. */
  readonly by: string;
}

/** Scenario × RTO × RPO × automated, with this vault's measured numbers. */
export function recoveryMatrix(facts: RunbookFacts): readonly RecoveryRow[] {
  const { rtoMs, rpoMs, hasVersions, replicas, isLocal } = facts;
  const hasReplica = replicas.length > 0;
  const whole = { rtoMs, rpoMs };
  return [
    { scenario: 'accidental deletion', ...whole, automated: 'partly', by: 'restore, rescue, rollback' },
    isLocal && !hasReplica
      ? {
          scenario: 'machine loss',
          rtoMs: null,
          rpoMs: null,
          automated: 'no',
          by: 'nothing: the store is on this machine; add a replica',
        }
      : { scenario: 'machine loss', ...whole, automated: 'no', by: 'restore on another machine, or RESTORE.md' },
    {
      scenario: 'store data loss',
      rtoMs: hasVersions || hasReplica ? rtoMs : null,
      rpoMs: hasVersions || hasReplica ? 0 : null,
      automated: hasVersions || hasReplica ? 'partly' : 'no',
      by: hasVersions ? 'repair --undelete' : hasReplica ? 'repair --from the replica' : 'nothing: add a replica',
    },
    {
      scenario: 'service failure',
      rtoMs: hasReplica ? rtoMs : null,
      rpoMs: 0,
      automated: 'yes',
      by: hasReplica
        ? 'the spool captures on; the replica restores'
        : 'the spool captures on; add a replica to restore',
    },
    { scenario: 'index or cache corruption', rtoMs: 0, rpoMs: 0, automated: 'yes', by: 'rebuilt from the store' },
  ];
}
