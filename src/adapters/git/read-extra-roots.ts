import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { byteStringOf } from '../../lib/bytes.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { parseIdLines, parseReflog } from '../../format/git-refs.ts';
import type { ReflogLine } from '../../format/git-refs.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { RepositoryPlace } from './locate-repository.ts';
import { listGitFolder, pathWithin, readGitFile } from './read-git-file.ts';

export interface ExtraRoots {
  /** Stash entries first, then newest first. */
  readonly ids: readonly ObjectId[];
  /** True when there were more than the limit, or a log was too long to be read whole. */
  readonly isCut: boolean;
}

export const extraRootsMax = 1_000;

/**
 * Finds commits that no ref names and that git still keeps for the person: every stash entry, where HEAD and branches
 * were, heads of other worktrees, the ends of operations under way. Commits that a reflog shows being built upon are left
 * out, since what was built on them leads back to them.
 */
export function readExtraRoots(place: RepositoryPlace, refIds: ReadonlySet<string>): ExtraRoots {
  const found: Found = { newest: new Map(), builtUpon: new Set(), bytesLeft: logBytesMax, isCut: false };
  readOperationHeads(found, place.gitDir);
  for (const worktree of worktreesOf(place.commonDir)) {
    addFromFile(found, join(worktree, 'HEAD'));
    readOperationHeads(found, worktree);
    readLog(found, join(worktree, 'logs', 'HEAD'), { isStash: false });
  }
  readLog(found, join(place.commonDir, 'logs', 'HEAD'), { isStash: false });
  readLogFolder(found, place.commonDir, { folder: 'logs/refs', depth: 0 });
  const rest = [...found.newest].filter(([id]) => !refIds.has(id) && !found.builtUpon.has(id));
  rest.sort(([idA, a], [idB, b]) => b - a || (idA < idB ? -1 : 1));
  return { ids: rest.slice(0, extraRootsMax).map(([id]) => id), isCut: found.isCut || rest.length > extraRootsMax };
}

interface Found {
  /** Seconds of the newest mention of each id. */
  readonly newest: Map<ObjectId, number>;
  readonly builtUpon: Set<string>;
  bytesLeft: number;
  isCut: boolean;
}

const logBytesMax = 16 << 20;
const oneLogBytesMax = 1 << 20;
const headFiles = [
  'MERGE_HEAD',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'REBASE_HEAD',
  'ORIG_HEAD',
  'rebase-merge/orig-head',
  'rebase-merge/onto',
  'rebase-merge/autostash',
  'rebase-apply/orig-head',
  'rebase-apply/autostash',
];
/** Git writes these messages when the new commit has the old one among its ancestors. */
const builtOnMessage = /^(?:commit(?: \(merge\))?: |rebase \(pick\): )|: Fast-forward$/;

function readOperationHeads(found: Found, gitDir: string): void {
  for (const name of headFiles) addFromFile(found, join(gitDir, name));
}

function addFromFile(found: Found, path: string): void {
  const bytes = readQuietly(path, 1 << 20);
  if (bytes === null) return;
  for (const id of parseIdLines(byteStringOf(bytes))) found.newest.set(id, Number.MAX_SAFE_INTEGER);
}

function worktreesOf(commonDir: string): string[] {
  const folder = join(commonDir, 'worktrees');
  return listQuietly(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => pathWithin(folder, entry.name).toString());
}

function readLogFolder(
  found: Found,
  commonDir: string,
  { folder, depth }: { folder: ByteString; depth: number },
): void {
  if (depth > 64) return;
  for (const entry of listQuietly(pathWithin(commonDir, folder))) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) readLogFolder(found, commonDir, { folder: name, depth: depth + 1 });
    else readLog(found, pathWithin(commonDir, name), { isStash: name === 'logs/refs/stash' });
  }
}

function readLog(found: Found, path: string | Buffer, { isStash }: { isStash: boolean }): void {
  const sizeBytesMax = Math.min(oneLogBytesMax, found.bytesLeft);
  const bytes = readQuietly(path, sizeBytesMax);
  if (bytes === null) return;
  found.bytesLeft -= bytes.length;
  if (bytes.length === sizeBytesMax) found.isCut = true;
  for (const line of parseReflog(byteStringOf(bytes))) addLine(found, line, isStash);
}

function addLine({ newest, builtUpon }: Found, line: ReflogLine, isStash: boolean): void {
  const seconds = isStash ? Number.MAX_SAFE_INTEGER : line.seconds;
  for (const id of [line.before, line.after]) {
    if (id !== null && seconds >= (newest.get(id) ?? -1)) newest.set(id, seconds);
  }
  if (!isStash && line.before !== null && line.after !== null && builtOnMessage.test(line.message)) {
    builtUpon.add(line.before);
  }
}

function listQuietly(path: string | Buffer): Dirent[] {
  try {
    return listGitFolder(path, { entriesMax: 1_000_000 }) ?? [];
  } catch {
    return [];
  }
}

/** A log that cannot be read costs a root, not the snapshot: its objects are captured all the same. */
function readQuietly(path: string | Buffer, sizeBytesMax: number): Buffer | null {
  try {
    return readGitFile(path, { sizeBytesMax, tailOfLonger: true });
  } catch {
    return null;
  }
}
