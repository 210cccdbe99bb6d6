import { formatDuration } from '../../format/duration.ts';
import type { DrillReport } from '../../model/drill-report.ts';

/** What to do next, one sentence each; empty when all is well. */
export function recommendAfter(report: Omit<DrillReport, 'recommendations'>): readonly string[] {
  const { rto, rpo, components } = report;
  const advice: string[] = [];
  const failed = components.filter(({ outcome }) => outcome === 'failed').map(({ component }) => component);
  if (failed.includes('files') || failed.includes('history')) {
    advice.push(
      'The store does not give back everything: run "holdfast verify --full", then "holdfast repair"; take a new snapshot at once.',
    );
  }
  if (failed.includes('metadata')) {
    advice.push(
      'Times or permissions differ: this file system may not keep them; rehearse on the disk you would restore to.',
    );
  }
  if (failed.includes('database')) {
    advice.push(
      'A database came back damaged: close what writes to it before a snapshot, or dump it with hooks.preSnapshot.',
    );
  }
  if (rto.measuredMs > rto.targetMs) {
    advice.push(
      `Restoring took ${formatDuration(rto.measuredMs)}, the target is ${formatDuration(rto.targetMs)}: keep a replica on a nearby disk, or restore the paths you need first.`,
    );
  }
  if (rpo.measuredMs > rpo.targetMs) {
    advice.push(
      `The newest snapshot is ${formatDuration(rpo.measuredMs)} old, the target is ${formatDuration(rpo.targetMs)}: let "holdfast watch" run, or snapshot more often.`,
    );
  }
  return advice;
}
