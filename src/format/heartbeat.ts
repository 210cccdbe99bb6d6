import type { Heartbeat } from '../model/heartbeat.ts';
import { checked, count, instant, nullable, object, oneOf, ShapeError, slug, text } from './json-shape.ts';
import { prettyJson } from './pretty-json.ts';
import { addSum, hasRightSum } from './sum-json.ts';

/** A file longer than this is none of ours. */
export const heartbeatBytesMax = 64 * 1024;

const textMax = 2000;

/** Encodes what the watcher says of itself. */
export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const { lastError, pause, limit } = heartbeat;
  const clipped = {
    ...heartbeat,
    lastError: lastError === null ? null : { ...lastError, message: clip(lastError.message) },
    pause: pause === null ? null : clip(pause),
    limit: limit === null ? null : { ...limit, remedy: clip(limit.remedy) },
  };
  return Buffer.from(addSum(prettyJson({ format: 1, ...clipped })), 'utf8');
}

/** Decodes it, or returns null for anything damaged or of another format: then nothing is known of a watcher. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat | null {
  if (bytes.length > heartbeatBytesMax || !hasRightSum(bytes)) return null;
  try {
    const { format: _, ...heartbeat } = shape(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return heartbeat;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) return null;
    throw error;
  }
}

const line = text(textMax);
const format1 = checked((value): value is 1 => value === 1, '1');

const shape = object<Heartbeat & { readonly format: 1 }>({
  format: format1,
  pid: count,
  processStart: text(100),
  startedAt: instant,
  writtenAt: instant,
  stoppedAt: nullable(instant),
  sees: oneOf(['events', 'polling']),
  watchedFolders: count,
  limit: nullable(object({ code: text(20), unwatched: count, remedy: line })),
  changesSince: nullable(instant),
  pause: nullable(line),
  waiting: count,
  lastLookAt: nullable(instant),
  lastSnapshot: nullable(object({ id: text(1000), at: instant, where: oneOf(['store', 'local']) })),
  lastError: nullable(object({ at: instant, code: slug(), message: line })),
  nextJob: nullable(object({ name: text(100), dueAt: instant })),
  nextRescanAt: nullable(instant),
});

function clip(message: string): string {
  return message.toWellFormed().slice(0, textMax);
}
