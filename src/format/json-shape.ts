import type { ByteString } from '../lib/bytes.ts';
import { decodeJsonBytes } from './json-bytes.ts';

/** Turns untrusted JSON into a typed value. @throws {ShapeError} naming the field */
export type Shape<T> = (value: unknown) => T;

/** What is wrong with untrusted JSON, and where: "packs[3].sizeBytes: not a whole number of 0 or more". */
export class ShapeError extends Error {
  readonly reason: string;
  #field = '';

  constructor(reason: string) {
    super(reason);
    this.name = 'ShapeError';
    this.reason = reason;
  }

  /** Path of the field, '' for the whole document. */
  get field(): string {
    return this.#field;
  }

  within(outer: string): this {
    const glue = this.#field === '' || this.#field.startsWith('[') ? '' : '.';
    this.#field = `${outer}${glue}${this.#field}`;
    this.message = `${this.#field}: ${this.reason}`;
    return this;
  }
}

/** An object with at least these fields; others are ignored, so that a later writer may add some. */
export function object<T>(fields: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const shapes = Object.entries(fields) as [string, Shape<unknown>][];
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ShapeError('not an object');
    const result: Record<string, unknown> = {};
    let at = '';
    try {
      for (const [key, shape] of shapes) {
        at = key;
        const field = shape((value as Record<string, unknown>)[key]);
        if (field !== undefined) result[key] = field;
      }
    } catch (error) {
      throw error instanceof ShapeError ? error.within(at) : error;
    }
    return result as T;
  };
}

/** A list of at most `countMax` elements. */
export function list<T>(element: Shape<T>, countMax: number): Shape<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new ShapeError('not a list');
    if (value.length > countMax) throw new ShapeError(`more than ${countMax} elements`);
    let at = 0;
    try {
      const result: T[] = [];
      for (; at < value.length; at++) result.push(element(value[at]));
      return result;
    } catch (error) {
      throw error instanceof ShapeError ? error.within(`[${at}]`) : error;
    }
  };
}

/** A value that `test` accepts; `what` completes "not ...". */
export function checked<T>(test: (value: unknown) => value is T, what: string): Shape<T> {
  return (value) => {
    if (!test(value)) throw new ShapeError(value === undefined ? 'missing' : `not ${what}`);
    return value;
  };
}

export function oneOf<const T extends string>(values: readonly T[]): Shape<T> {
  return checked((value): value is T => (values as readonly unknown[]).includes(value), `one of ${values.join(', ')}`);
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === null ? null : shape(value));
}

/** A field that may be missing. */
export function optional<T>(shape: Shape<T>): Shape<T> {
  // `object` leaves fields out whose shape gives undefined, so no field ever holds it.
  return (value) => (value === undefined ? (undefined as T) : shape(value));
}

/** Well-formed text of at most `charsMax` UTF-16 units. */
export function text(charsMax: number): Shape<string> {
  return checked(
    (value): value is string => typeof value === 'string' && value.length <= charsMax && value.isWellFormed(),
    `text of at most ${charsMax} characters`,
  );
}

export function textLike<T extends string>(pattern: RegExp, what: string): Shape<T> {
  return checked((value): value is T => typeof value === 'string' && pattern.test(value), what);
}

/** A byte string of at most `sizeMax` bytes, as json-bytes.ts writes them. */
export function byteString(sizeMax: number): Shape<ByteString> {
  return (value) => {
    const bytes = decodeJsonBytes(value);
    if (bytes === null) throw new ShapeError(value === undefined ? 'missing' : 'not a byte string');
    if (bytes.length > sizeMax) throw new ShapeError(`longer than ${sizeMax} bytes`);
    return bytes;
  };
}

export const flag: Shape<boolean> = checked((value) => typeof value === 'boolean', 'true or false');

/** A count or a size in bytes: exact, or it is refused (K15). */
export const count: Shape<number> = checked(
  (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0),
  'a whole number of 0 or more',
);

/** A duration in milliseconds; may have a fraction. */
export const duration: Shape<number> = checked(
  (value): value is number => Number.isFinite(value) && (value as number) >= 0,
  'a duration of 0 or more',
);

/** A moment, UTC with milliseconds: `2026-04-16T12:00:00.000Z`. */
export const instant: Shape<string> = checked(
  (value): value is string =>
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) &&
    !Number.isNaN(Date.parse(value)),
  'a UTC time with milliseconds',
);

/** A stable machine word: problem codes and the like. An open set, because later versions add some. */
export function slug<T extends string>(): Shape<T> {
  return textLike<T>(/^[a-z][a-z0-9_-]{0,63}$/, 'a code of lower-case letters');
}
