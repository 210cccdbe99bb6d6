import { displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatSize } from '../../format/size.ts';
import type { HoldfastEvent, Phase } from '../../model/events.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Output } from '../output.ts';

export interface TextReporterOptions {
  /** Milliseconds since any fixed moment. */
  now(): number;
}

type Progress = Extract<HoldfastEvent, { type: 'progress' }>;

const phaseWords: Readonly<Record<Phase, string>> = {
  scan: 'looking at files',
  capture: 'reading what changed',
  history: 'reading git history',
  seal: 'packing',
  upload: 'uploading',
  refresh: 'reading the store',
  plan: 'planning',
  restore: 'restoring',
  rollback: 'moving files',
  verify: 'verifying',
  replicate: 'replicating',
  repair: 'repairing',
  export: 'exporting',
  reindex: 'rebuilding the index',
  compare: 'comparing',
  search: 'searching',
  prune: 'looking for what may go',
};

/** A phase shorter than this says nothing. */
const silentMs = 1_000;
const redrawMs = 100;
/** Logs and pipes get a line this seldom. */
const plainLineMs = 15_000;
/** Estimates from less than this are guesses. */
const estimateAfterMs = 2_000;
const retryWorthTellingMs = 2_000;

/** Tells a person how long work goes: one line rewritten in place on a terminal, a plain line now and then elsewhere. */
export function createTextReporter(out: Output, options: TextReporterOptions): EventSink {
  let phase: Phase | null = null;
  let startedMs = 0;
  let shownMs = 0;

  const begin = (next: Phase) => {
    phase = next;
    startedMs = options.now();
    shownMs = startedMs;
  };
  const show = (event: Progress) => {
    if (event.phase !== phase) begin(event.phase);
    const nowMs = options.now();
    if (nowMs - startedMs < silentMs || nowMs - shownMs < (out.isLive ? redrawMs : plainLineMs)) return;
    shownMs = nowMs;
    const line = describeProgress(event, nowMs - startedMs);
    if (out.isLive) out.status(`  ${line}`);
    else out.note(line);
  };

  return {
    emit(event) {
      switch (event.type) {
        case 'phase_started':
          begin(event.phase);
          return;
        case 'progress':
          show(event);
          return;
        case 'phase_finished':
          out.status(null);
          return;
        case 'notice_given':
          out.notice(event.notice);
          return;
        case 'request_retried':
          if (event.delayMs >= retryWorthTellingMs) {
            out.note(
              `  the store is slow (${displayText(event.reason)}); trying again in ${formatDuration(event.delayMs)}`,
            );
          }
          return;
        // The command names these itself, in its result.
        case 'problem_found':
        case 'snapshot_captured':
        case 'snapshot_published':
        case 'file_restored':
      }
    },
  };
}

function describeProgress({ phase, done, total, unit }: Progress, elapsedMs: number): string {
  const amount = unit === 'bytes' ? formatSize : formatCount;
  const noun = unit === 'bytes' ? '' : ` ${unit}`;
  if (total === null || total <= 0) return `${phaseWords[phase]}: ${amount(done)}${noun}`;
  const percent = Math.min(100, Math.floor((done / total) * 100));
  const leftMs = done > 0 ? (elapsedMs / done) * Math.max(0, total - done) : 0;
  const estimate = elapsedMs >= estimateAfterMs && leftMs >= 1_000 ? `, about ${formatDuration(leftMs)} left` : '';
  return `${phaseWords[phase]}: ${percent}%${estimate} (${amount(done)} of ${amount(total)}${noun})`;
}
