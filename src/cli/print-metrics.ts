import { computeMetrics, type Metrics } from '../engine/metrics.ts';
import { listSnapshots } from '../engine/list-snapshots.ts';
import { readRunbookFacts } from '../engine/runbook/facts.ts';
import { recoveryMatrix } from '../engine/runbook/recovery-matrix.ts';
import { formatDuration } from '../format/duration.ts';
import { formatCounted, formatSize } from '../format/size.ts';
import type { CommandContext } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { printFact } from './print-fact.ts';

const daysShown = 30;

/** `status --metrics`: the figures of the last thirty days, from the index and the known restore points. */
export async function printMetrics(context: CommandContext): Promise<number> {
  const { out, io, signal } = context;
  await using deps = await context.openSession();
  const { points } = await listSnapshots(deps, { refresh: 'never', signal });
  const { rows } = await deps.snapshotIndex.read();
  const own = points.filter(({ record }) => record.machine.id === deps.identity.machine.id);
  const metrics = computeMetrics(rows, own, { now: io.now(), days: daysShown });
  out.result({ command: 'status', metrics });
  out.print(`  the last ${daysShown} days of this machine`);
  for (const [name, value] of factsOf(metrics)) printFact(out, name, value);
  return exitCodes.ok;
}

function* factsOf({ snapshots, growth, drills, verify, replicas, alerts }: Metrics): Iterable<[string, string]> {
  const { taken, successRate, durationMs, durationTrend, longestGapMs } = snapshots;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const complete = successRate === null ? '' : `, ${percent(successRate)} complete and in the store`;
  yield ['snapshots', `${taken}${complete}`];
  if (durationMs.median !== null) {
    const trend = durationTrend === null ? '' : `, ${durationTrend.toFixed(1)} times what they took before`;
    yield ['duration', `median ${formatDuration(durationMs.median)}, p95 ${formatDuration(durationMs.p95!)}${trend}`];
  }
  if (longestGapMs !== null) yield ['longest gap', formatDuration(longestGapMs)];
  yield ['growth', `${formatSize(growth.storedBytesPerDay)} a day; ${formatSize(growth.storedBytes)} stored`];
  const { last } = drills;
  const rate = drills.passRate === null ? '' : `, ${percent(drills.passRate)} passed`;
  yield ['drills', `${drills.run}${rate}`];
  if (last !== null) {
    yield ['RTO', `${formatDuration(last.rtoMs)} (target ${formatDuration(last.rtoTargetMs)})`];
    yield ['RPO', `${formatDuration(last.rpoMs)} (target ${formatDuration(last.rpoTargetMs)})`];
  }
  yield ['verified', `${formatCounted(verify.run, 'time')}, ${formatCounted(verify.findings, 'finding')}`];
  if (replicas.syncs > 0)
    yield ['replicas', `${formatCounted(replicas.syncs, 'sync')}, ${formatSize(replicas.copiedBytes)}`];
  yield ['alerts', String(alerts)];
}

/** `status --dr`: what happens, how long it takes, how much is lost, who does it. */
export async function printRecoveryMatrix(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  await using deps = await context.openSession();
  const facts = await readRunbookFacts(deps, { signal });
  const rows = recoveryMatrix(facts);
  out.result({ command: 'status', drilled_at: facts.drilledAt, recovery: rows });
  const time = (ms: number | null): string => (ms === null ? 'unknown' : ms === 0 ? 'none' : formatDuration(ms));
  for (const { scenario, rtoMs, rpoMs, automated, by } of rows) {
    out.print(`  ${out.paint('bold', scenario)}`);
    out.print(`      back in ${rtoMs === 0 ? 'seconds' : time(rtoMs)}, lost ${time(rpoMs)}, automated: ${automated}`);
    out.print(`      ${by}`);
  }
  const basis =
    facts.drilledAt === null
      ? 'nothing was measured yet: holdfast drill'
      : `times measured by the drill of ${facts.drilledAt.slice(0, 10)}`;
  out.print(`  ${basis}; steps: holdfast runbook`);
  return exitCodes.ok;
}
