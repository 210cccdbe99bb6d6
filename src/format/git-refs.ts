import type { ByteString } from '../lib/bytes.ts';
import { isObjectId } from '../model/ids.ts';
import type { ObjectId } from '../model/ids.ts';
import type { GitRef } from '../model/snapshot.ts';

/** What a loose ref file (or HEAD) says. */
export type RefValue =
  | { readonly kind: 'id'; readonly id: ObjectId }
  | { readonly kind: 'symbolic'; readonly target: ByteString };

/** One line of a reflog: the ref moved from `before` to `after`; null where the ref did not exist. */
export interface ReflogLine {
  readonly before: ObjectId | null;
  readonly after: ObjectId | null;
  /** Seconds since 1970, as the committer's clock had it; 0 when unreadable. */
  readonly seconds: number;
  readonly message: ByteString;
}

export const refNameBytesMax = 1024;

/**
 * True when git would take `name` for a full ref name: below `refs/`, every part well-formed. Anything else could name a
 * file outside the refs, or an option, when someone puts the refs back.
 */
export function isRefName(name: ByteString): boolean {
  if (!name.startsWith('refs/') || name.length > refNameBytesMax) return false;
  if (/[\u0000- \u007f~^:?*[\\]|\.\.|@\{|\.$/.test(name)) return false;
  const parts = name.split('/');
  return parts.length > 1 && parts.every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}

/** Parses a loose ref file or HEAD; null when git would refuse it. A symbolic target may still be an unusable name. */
export function parseRefFile(text: ByteString): RefValue | null {
  if (text.startsWith('ref:')) {
    const target = text.slice(4).trim();
    return target === '' ? null : { kind: 'symbolic', target };
  }
  const id = text.slice(0, 40).toLowerCase();
  if (!isObjectId(id) || !/^(?:\s|$)/.test(text.slice(40))) return null;
  return { kind: 'id', id };
}

/**
 * Parses `packed-refs`. Refs keep the order of the file; peeled lines are left out. `badLines` counts lines that are
 * neither a well-named ref, nor peeled, nor a comment.
 */
export function parsePackedRefs(text: ByteString): { readonly refs: readonly GitRef[]; readonly badLines: number } {
  const refs: GitRef[] = [];
  let badLines = 0;
  for (const line of linesOf(text)) {
    if (line === '' || line.startsWith('#') || line.startsWith('^')) continue;
    const id = line.slice(0, 40);
    const name = line.slice(41);
    if (isObjectId(id) && line[40] === ' ' && isRefName(name)) refs.push({ name, id });
    else badLines++;
  }
  return { refs, badLines };
}

/** Parses object names, one a line (`shallow`, `MERGE_HEAD`); what follows a name on its line is left out. */
export function parseIdLines(text: ByteString): readonly ObjectId[] {
  const ids: ObjectId[] = [];
  for (const line of linesOf(text)) {
    const value = parseRefFile(line);
    if (value?.kind === 'id' && !isZeroId(value.id)) ids.push(value.id);
  }
  return ids;
}

/** Parses a reflog, oldest line first. Lines that are not whole (the first of a tail, a torn last one) are left out. */
export function parseReflog(text: ByteString): readonly ReflogLine[] {
  const lines: ReflogLine[] = [];
  for (const line of linesOf(text)) {
    const before = line.slice(0, 40);
    const after = line.slice(41, 81);
    if (!isObjectId(before) || !isObjectId(after) || line[40] !== ' ' || line[81] !== ' ') continue;
    const tab = line.indexOf('\t', 82);
    const stamp = / (\d{1,12}) [+-]\d{4}$/.exec(tab < 0 ? line : line.slice(0, tab));
    lines.push({
      before: isZeroId(before) ? null : before,
      after: isZeroId(after) ? null : after,
      seconds: stamp === null ? 0 : Number(stamp[1]),
      message: tab < 0 ? '' : line.slice(tab + 1),
    });
  }
  return lines;
}

/** True for the name git writes where there is no object. */
export function isZeroId(id: ByteString): boolean {
  return /^0+$/.test(id);
}

function linesOf(text: ByteString): string[] {
  return text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}
