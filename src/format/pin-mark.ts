import { HoldfastError } from '../model/errors.ts';
import { isSnapshotId, type SnapshotId } from '../model/ids.ts';
import { pinReasonCharsMax } from '../model/pin.ts';
import { checked, instant, nullable, object, oneOf, ShapeError, text } from './json-shape.ts';
import { prettyJson } from './pretty-json.ts';
import { addSum, hasRightSum } from './sum-json.ts';
import type { Mark } from './store-layout.ts';

/** Version of the marks this code writes, and the newest it reads. */
export const pinMarkFormat = 1;

/** Largest mark in bytes, for readers. */
export const pinMarkBytesMax = 64 * 1024;

/** The document of a pin or unpin, under `markKey`. */
export interface PinMark {
  readonly snapshot: SnapshotId;
  readonly mark: Mark;
  readonly at: string;
  /** Names, for people. */
  readonly machine: string;
  readonly user: string;
  readonly reason: string | null;
}

/** Encodes a mark. The same mark always gives the same bytes. */
export function encodePinMark(mark: PinMark): Uint8Array {
  const { snapshot, mark: word, at, machine, user, reason } = mark;
  const document = { format: pinMarkFormat, snapshot, mark: word, at, machine, user, reason };
  return Buffer.from(addSum(prettyJson(document)), 'utf8');
}

/** @throws {HoldfastError} `record_invalid` for anything that is not a mark this version can read */
export function decodePinMark(bytes: Uint8Array): PinMark {
  try {
    if (bytes.length > pinMarkBytesMax) throw new ShapeError('it is too large');
    if (!hasRightSum(bytes)) throw new ShapeError('its bytes are not those of its checksum');
    return parsed(bytes);
  } catch (error) {
    if (!(error instanceof ShapeError) && !(error instanceof SyntaxError)) throw error;
    const reason = error instanceof ShapeError ? error.message : 'it is not JSON';
    throw new HoldfastError('record_invalid', `A pin in the store cannot be read: ${reason}.`, {
      hint: 'The snapshot stays pinned. Pin it again to give it a readable reason.',
    });
  }
}

function parsed(bytes: Uint8Array): PinMark {
  const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  const { format: _format, ...mark } = markFields(document);
  return mark;
}

const name = text(1000);

const markFields = object<PinMark & { format: number }>({
  format: checked((value): value is number => value === pinMarkFormat, `version ${pinMarkFormat}`),
  snapshot: checked(isSnapshotId, 'a snapshot id'),
  mark: oneOf(['pin', 'unpin']),
  at: instant,
  machine: name,
  user: name,
  reason: nullable(text(pinReasonCharsMax)),
});
