import { HoldfastError } from './errors.ts';

/** The name of a git object: 40 lower-case hex digits of its SHA-1. */
export type ObjectId = string & { readonly __brand: 'ObjectId' };

/** 64 lower-case hex digits of a SHA-256. */
export type Sha256 = string & { readonly __brand: 'Sha256' };

/** `<UTC ISO-8601 seconds>-<slug>`, e.g. `2026-04-16T12:00:00Z-pre-quorum-rewrite`; a clash adds `-2`. */
export type SnapshotId = string & { readonly __brand: 'SnapshotId' };

/** The operator's name for a snapshot: 1 to 200 bytes of UTF-8 without control characters, kept byte for byte. */
export type Label = string & { readonly __brand: 'Label' };

export const labelBytesMax = 200;
const slugCharsMax = 64;

const objectIdPattern = /^[0-9a-f]{40}$/;
const sha256Pattern = /^[0-9a-f]{64}$/;
const snapshotIdPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ-[a-z0-9](?:[a-z0-9-]{0,84}[a-z0-9])?$/;
// C0, DEL, C1, and the separators and overrides that can forge or hide text on a screen.
const labelForbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;

export function isObjectId(value: unknown): value is ObjectId {
  return typeof value === 'string' && objectIdPattern.test(value);
}

export function isSha256(value: unknown): value is Sha256 {
  return typeof value === 'string' && sha256Pattern.test(value);
}

export function isSnapshotId(value: unknown): value is SnapshotId {
  return typeof value === 'string' && snapshotIdPattern.test(value);
}

/** @throws {HoldfastError} `label_invalid` when empty, over 200 bytes, not well-formed, or holding control characters */
export function parseLabel(raw: string): Label {
  const problem = labelProblem(raw);
  if (problem !== null) {
    throw new HoldfastError(
      'label_invalid',
      `A label must be 1 to ${labelBytesMax} bytes of text without control characters: ${problem}.`,
      {
        hint: 'Choose a short plain sentence, for example: holdfast snapshot "before the rewrite"',
      },
    );
  }
  return raw as Label;
}

/** Returns why `raw` is not a label, or null when it is one. */
export function labelProblem(raw: unknown): string | null {
  if (typeof raw !== 'string') return 'it is not text';
  if (raw === '') return 'it is empty';
  if (!raw.isWellFormed()) return 'it holds a broken character';
  const sizeBytes = new TextEncoder().encode(raw).length;
  if (sizeBytes > labelBytesMax) return `it is ${sizeBytes} bytes long`;
  if (labelForbidden.test(raw)) return 'it holds a control character';
  return null;
}

/**
 * Derives the readable part of a snapshot id from a label: `[a-z0-9-]`, at most 64 characters, never empty.
 * Many labels can share a slug; the label itself is stored in the record.
 */
export function slugOfLabel(label: string): string {
  const slug = label
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, slugCharsMax)
    .replaceAll(/^-+|-+$/g, '');
  return slug === '' ? 'snapshot' : slug;
}

/**
 * Builds a snapshot id. `clash` is 1 for the first try, then 2, 3, ...; `nonce` (4 characters of `[a-z0-9]`) is added
 * where the store cannot be trusted to refuse a second creation of one key.
 */
export function makeSnapshotId(taken: Date, label: string, clash: number, nonce?: string): SnapshotId {
  const seconds = `${taken.toISOString().slice(0, 19)}Z`;
  const parts = [seconds, slugOfLabel(label)];
  if (nonce !== undefined) parts.push(nonce);
  if (clash > 1) parts.push(String(clash));
  return parts.join('-') as SnapshotId;
}

/** The moment a snapshot id names. */
export function timeOfSnapshotId(id: SnapshotId): Date {
  return new Date(id.slice(0, 20));
}
