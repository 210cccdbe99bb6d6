import { jsonPath } from '../../format/display-name.ts';
import type { HoldfastEvent } from '../../model/events.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Output } from '../output.ts';

/** Prints every event as one JSON object a line, with the event's own `type`. */
export function createNdjsonReporter(out: Output): EventSink {
  return {
    emit(event) {
      const { type, ...fields } = encodeEvent(event);
      out.row(type, fields);
    },
  };
}

/** Names become `path` (and `path_b64` where they are not valid UTF-8), other fields snake_case. */
function encodeEvent(event: HoldfastEvent): { type: string } & Record<string, unknown> {
  switch (event.type) {
    case 'problem_found': {
      const { path, code, message } = event.problem;
      return { type: event.type, ...jsonPath(path), code, message };
    }
    case 'notice_given':
      return { type: event.type, ...event.notice };
    case 'file_restored':
      return { type: event.type, ...jsonPath(event.path) };
    case 'phase_finished':
      return { type: event.type, phase: event.phase, duration_ms: event.durationMs };
    case 'request_retried':
      return { type: event.type, reason: event.reason, delay_ms: event.delayMs };
    case 'phase_started':
    case 'progress':
    case 'snapshot_captured':
    case 'snapshot_published':
      return { ...event };
  }
}
