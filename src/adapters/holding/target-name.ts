import { createHash } from 'node:crypto';
import { type ByteString, bytesOf } from '../../lib/bytes.ts';
import type { ProblemCode } from '../../model/problem.ts';
import { systemCode } from '../fs/map-fs-error.ts';

const aliasesMax = 99;

export interface Created<T> {
  readonly value: T;
  /** The name it was really created under. */
  readonly name: ByteString;
  /** Why that is not the name asked for; null when it is. */
  readonly reason: AliasReason | null;
}

export type AliasReason = Extract<ProblemCode, 'name_taken' | 'name_too_long' | 'unsupported_name'>;

/**
 * Calls `create` with `name`, and with other names while the file system refuses: `name~holdfast2`, `name~holdfast3`, ... where
 * something has that name already (twins that differ only in case or in Unicode form, on a file system that sees no
 * difference), a short alias made from `path` where it is too long or cannot be spelt. `create` must be exclusive.
 */
export function createUnderFreeName<T>(
  name: ByteString,
  path: ByteString,
  create: (name: ByteString) => T,
): Created<T> {
  let base = name;
  let candidate = name;
  let reason: AliasReason | null = null;
  for (let attempt = 1; ;) {
    try {
      return { value: create(candidate), name: candidate, reason };
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EEXIST' && attempt < aliasesMax) {
        attempt += 1;
        candidate = `${base}~holdfast${attempt}`;
        reason ??= 'name_taken';
      } else if ((code === 'ENAMETOOLONG' || code === 'EILSEQ') && base === name) {
        base = shortAlias(path);
        candidate = base;
        reason = code === 'EILSEQ' ? 'unsupported_name' : 'name_too_long';
      } else {
        throw error;
      }
    }
  }
}

/** A short ASCII name that stands for a path which does not fit; the same path always gets the same one. */
export function shortAlias(path: ByteString): ByteString {
  return `long-name~holdfast-${createHash('sha1').update(bytesOf(path)).digest('hex').slice(0, 12)}`;
}

/** Completes a problem's message: why an entry does not have its own name, and which it has. */
export function describeAlias(reason: AliasReason, alias: ByteString): string {
  const where = `restored as ${JSON.stringify(alias)}`;
  switch (reason) {
    case 'name_taken':
      return `the file system here sees no difference to another name in this folder; ${where}`;
    case 'name_too_long':
      return `the name or path is too long for the file system here; ${where}`;
    case 'unsupported_name':
      return `the file system here cannot spell this name; ${where}`;
  }
}

// What a file system may answer for one entry while others still go in: refused names, files beyond its size limit.
const refusals = new Set(['EEXIST', 'EFBIG', 'EILSEQ', 'EINVAL', 'ENAMETOOLONG', 'EPERM']);

/** Why the file system refused this one entry, as a clause; null when the failure concerns everything else, too. */
export function describeRefusal(error: unknown): string | null {
  const code = systemCode(error);
  return refusals.has(code) ? `the file system here refuses it (${code})` : null;
}
