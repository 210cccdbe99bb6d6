import { recordKey } from '../format/store-layout.ts';
import type { PrunePlan } from '../model/prune-plan.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { VerifyFinding } from './verify-store.ts';

/**
 * Checks each machine's chain of records: every record names the one before it by the SHA-256 of its bytes, so a record
 * that was replaced, or taken away from the middle, shows. Records without a predecessor here begin a chain; gaps that prune
 * made are known by its plans.
 */
export function checkChains(
  points: readonly RestorePoint[],
  plans: readonly PrunePlan[] = [],
): readonly VerifyFinding[] {
  const findings: VerifyFinding[] = [];
  const dropped = new Set(plans.flatMap((plan) => plan.dropped.map(({ recordSha256 }) => recordSha256)));
  const machines = Map.groupBy(points, (point) => point.record.machine.id);
  for (const chain of machines.values()) {
    const bySha256 = new Set(chain.map((point) => point.recordSha256));
    const oldest = Math.min(...chain.map((point) => point.record.chain.sequence));
    for (const { record } of chain) {
      if (record.chain.previous === null || bySha256.has(record.chain.previous)) continue;
      if (record.chain.sequence === oldest || dropped.has(record.chain.previous)) continue;
      findings.push({
        key: recordKey(record.id),
        snapshots: [],
        message: `the record before it in the chain of machine "${record.machine.name}" is missing or was replaced`,
      });
    }
  }
  return findings;
}
