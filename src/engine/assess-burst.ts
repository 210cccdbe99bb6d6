import type { SnapshotId } from '../model/ids.ts';

/** What one capture found against the snapshot before it. Counts of files and links. */
export interface BurstSample {
  readonly atMs: number;
  readonly removed: number;
  readonly rewritten: number;
  /** What the snapshot before held. */
  readonly filesBefore: number;
  readonly previous: SnapshotId;
  /** The first look after a start: what it found may have happened over days, so only its share of the files counts. */
  readonly isCatchUp: boolean;
}

export interface BurstSettings {
  /** Losing or rewriting more than this share of the files at once, ... */
  readonly percent: number;
  /** ... or losing more than this many, is a burst. */
  readonly deletions: number;
  readonly windowMs: number;
}

/** Many paths that vanished or were rewritten at once. */
export interface Burst {
  /** The newest snapshot from before it. */
  readonly lastGood: SnapshotId;
  readonly removed: number;
  readonly rewritten: number;
  readonly filesBefore: number;
}

/** In a small vault a share says little: an edit of two files in five is no disaster. */
const pathsMin = 10;
const ordinaryShare = 0.05;

/**
 * Says whether the captures of the last while, taken together, are a burst: a script gone wrong, an agent, ransomware. A file
 * that moved counts as removed: what encrypts files and renames them looks the same.
 */
export function assessBurst(samples: readonly BurstSample[], settings: BurstSettings, nowMs: number): Burst | null {
  // What changed nothing begins no burst, so that the last good snapshot is the one right before it.
  const recent = samples.filter(({ atMs, removed, rewritten }) => {
    return nowMs - atMs <= settings.windowMs && removed + rewritten > 0;
  });
  const [first] = recent;
  if (first === undefined) return null;
  const removed = sum(recent, (sample) => sample.removed);
  const rewritten = sum(recent, (sample) => sample.rewritten);
  const deletions = sum(recent, (sample) => (sample.isCatchUp ? 0 : sample.removed));
  const isShare = removed + rewritten >= pathsMin && (removed + rewritten) * 100 > first.filesBefore * settings.percent;
  if (!isShare && deletions <= settings.deletions) return null;
  // An ordinary edit a moment earlier is no part of it, and its snapshot is the better one to go back to.
  const begin =
    recent.find((sample) => sample.removed + sample.rewritten > (removed + rewritten) * ordinaryShare) ?? first;
  return { lastGood: begin.previous, removed, rewritten, filesBefore: first.filesBefore };
}

function sum(samples: readonly BurstSample[], of: (sample: BurstSample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0);
}
