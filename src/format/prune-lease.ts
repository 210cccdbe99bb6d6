import { HoldfastError } from '../model/errors.ts';
import { checked, count, flag, instant, object, ShapeError, text } from './json-shape.ts';
import { prettyJson } from './pretty-json.ts';
import { addSum, hasRightSum } from './sum-json.ts';

const pruneLeaseFormat = 1;

/** Largest lease in bytes, for readers. */
export const pruneLeaseBytesMax = 64 * 1024;

/** The document under `leaseKey`. */
export interface PruneLeaseNote {
  readonly epoch: number;
  /** The run that had the number before has ended; nobody holds this one. */
  readonly isFree: boolean;
  /** Names, for people. */
  readonly machine: string;
  readonly user: string;
  readonly at: string;
  /** Chance, so that no two runs ever write the same bytes. */
  readonly nonce: string;
}

/** Encodes a lease. */
export function encodePruneLease(note: PruneLeaseNote): Uint8Array {
  const { epoch, isFree, machine, user, at, nonce } = note;
  return Buffer.from(addSum(prettyJson({ format: pruneLeaseFormat, epoch, isFree, machine, user, at, nonce })), 'utf8');
}

/** @throws {HoldfastError} `record_invalid` for anything else */
export function decodePruneLease(bytes: Uint8Array): PruneLeaseNote {
  try {
    if (!hasRightSum(bytes)) throw new ShapeError('its bytes are not those of its checksum');
    return fields(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    if (!(error instanceof ShapeError) && !(error instanceof SyntaxError)) throw error;
    throw new HoldfastError('record_invalid', 'A lease of prune in the store is damaged.');
  }
}

const name = text(1000);

const fields = object<PruneLeaseNote & { format: number }>({
  format: checked((value): value is number => value === pruneLeaseFormat, `version ${pruneLeaseFormat}`),
  epoch: count,
  isFree: flag,
  machine: name,
  user: name,
  at: instant,
  nonce: text(64),
});
