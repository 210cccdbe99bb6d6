import { encodeDrillReport } from '../../format/drill-report.ts';
import { sha256Of } from '../../format/digest.ts';
import { drillReportKey } from '../../format/store-layout.ts';
import {
  type DrillComponent,
  type DrillComponentResult,
  drillComponents,
  type DrillReport,
} from '../../model/drill-report.ts';
import { isHoldfastError } from '../../model/errors.ts';
import { newestOfMachine, type RestorePoint } from '../../model/restore-point.ts';
import type { OpenedReader } from '../../ports/object-access.ts';
import type { Deps } from '../deps.ts';
import { recommendAfter } from './recommend.ts';
import { rehearse } from './rehearse.ts';
import { rehearseWithGit } from './rehearse-with-git.ts';

export interface DrillOptions {
  readonly point: RestorePoint;
  /** Every usable point, for the recovery point objective. */
  readonly points: readonly RestorePoint[];
  readonly opened: OpenedReader;
  readonly components: readonly DrillComponent[];
  /** Do everything with stock git and a shell, following RESTORE.md. */
  readonly withoutHoldfast: boolean;
  /** Restore and measure only. */
  readonly skipValidation: boolean;
  /** What was restored stays where it is. */
  readonly keep: boolean;
  readonly targets: { readonly rtoMs: number; readonly rpoMs: number };
  readonly signal?: AbortSignal | undefined;
}

export interface DrillOutcome {
  readonly report: DrillReport;
  /** Where the restored files still are; null when they were removed. */
  readonly directory: string | null;
  /** Key of the report in the store; null when it could not be put there (the index has its figures). */
  readonly reportKey: string | null;
}

/** What one method of restoring gave. */
export interface Rehearsed {
  readonly directory: string;
  readonly components: readonly DrillComponentResult[];
  readonly files: number;
  readonly sizeBytes: number;
  /** Until everything was back; comparing came after. */
  readonly restoreMs: number;
}

/**
 * Restores a snapshot for real into a folder of the holding directory, compares every byte that is on the disk then with what
 * the snapshot says, measures, and throws the folder away. The report goes into the store and the index.
 * @throws {HoldfastError} as `restoreSnapshot`; a restore that is not whole is a failed drill, not an error
 */
export async function runDrill(deps: Deps, options: DrillOptions): Promise<DrillOutcome> {
  const startedMs = deps.clock.monotonicMs();
  const startedAt = deps.clock.now();
  const { point } = options;
  const done = await (options.withoutHoldfast ? rehearseWithGit(deps, options) : rehearse(deps, options));
  if (!options.keep) deps.rehearsal.remove(done.directory);
  const rto = { measuredMs: Math.round(done.restoreMs), targetMs: options.targets.rtoMs };
  const rpo = { measuredMs: ageOfNewest(deps, options, startedAt), targetMs: options.targets.rpoMs };
  const components = drillComponents.map(
    (component) => done.components.find((result) => result.component === component) ?? skipped(component),
  );
  const isInTime = rto.measuredMs <= rto.targetMs && rpo.measuredMs <= rpo.targetMs;
  const facts = {
    startedAt: startedAt.toISOString(),
    machine: { id: deps.identity.machine.id, name: deps.identity.machine.name },
    writer: deps.identity.writer,
    snapshot: point.record.id,
    method: options.withoutHoldfast ? ('git' as const) : ('holdfast' as const),
    passed: isInTime && components.every(({ outcome }) => outcome !== 'failed'),
    components,
    files: done.files,
    sizeBytes: done.sizeBytes,
    rto,
    rpo,
    durationMs: Math.round(deps.clock.monotonicMs() - startedMs),
  };
  const report: DrillReport = { ...facts, recommendations: recommendAfter(facts) };
  const reportKey = await keepReport(deps, report, options.signal);
  await appendRow(deps, report, reportKey);
  return { report, directory: options.keep ? done.directory : null, reportKey };
}

function skipped(component: DrillComponent): DrillComponentResult {
  return { component, outcome: 'skipped', checked: 0, detail: 'not asked for' };
}

/** Of this machine's complete points in the store: what would be gone with this machine. */
function ageOfNewest(deps: Deps, options: DrillOptions, at: Date): number {
  const safe = options.points.filter(({ where, record }) => where === 'store' && record.complete);
  const newest = newestOfMachine(safe, deps.identity.machine.id) ?? options.point;
  return Math.max(0, at.getTime() - Date.parse(newest.record.takenAt));
}

/** A store that cannot be written to does not make the drill fail: that it restores was just proved. */
async function keepReport(deps: Deps, report: DrillReport, signal: AbortSignal | undefined): Promise<string | null> {
  const bytes = encodeDrillReport(report);
  const key = drillReportKey(report.machine.id, report.startedAt);
  try {
    await deps.storage.putIfAbsent(key, { kind: 'bytes', bytes, sha256: sha256Of(bytes) }, { signal });
    return key;
  } catch (error) {
    if (isHoldfastError(error) && (error.kind === 'storage' || error.kind === 'access')) return null;
    throw error;
  }
}

async function appendRow(deps: Deps, report: DrillReport, reportKey: string | null): Promise<void> {
  const { rto, rpo } = report;
  await deps.snapshotIndex.append({
    event: 'drill',
    id: report.snapshot,
    method: report.method,
    passed: report.passed,
    components: report.components.map(({ component, outcome }) => ({ component, outcome })),
    files: report.files,
    sizeBytes: report.sizeBytes,
    rtoMs: rto.measuredMs,
    rtoTargetMs: rto.targetMs,
    rpoMs: rpo.measuredMs,
    rpoTargetMs: rpo.targetMs,
    durationMs: report.durationMs,
    report: reportKey ?? '',
  });
}
