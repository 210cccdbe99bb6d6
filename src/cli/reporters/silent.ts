import type { EventSink } from '../../ports/event-sink.ts';

/** Tells nobody: `--quiet`. */
export function createSilentReporter(): EventSink {
  return { emit() {} };
}
