import type { ByteString } from '../../lib/bytes.ts';
import { pathPattern } from '../../model/path-pattern.ts';
import type { LedgerEntry, Problem } from '../../model/problem.ts';
import type { SnapshotRecord } from '../../model/snapshot.ts';

/** How a path stands to a rollback; a folder's standing holds for everything below, except on the way. */
export type Standing =
  /** Goes back to what the snapshot has. */
  | 'inside'
  /** A folder that leads to what is inside. */
  | 'way'
  /** Would go back, and must not be touched. */
  | 'left'
  | 'outside';

export interface LeavingReason {
  readonly message: string;
  /** Nothing is missing because of it: the vault is as the snapshot says all the same. */
  readonly isExpected: boolean;
}

export interface RollbackScope {
  standingOf(path: ByteString): Standing;
  /** Why a path is left as it is; null where nobody needs to be told. */
  reasonFor(path: ByteString): LeavingReason | null;
  /** True for a file that was there, and ignored, when the snapshot was taken: that the snapshot lacks it says nothing. */
  wasIgnored(path: ByteString, ctimeMs: number): boolean;
}

export interface ScopeOptions {
  /** Files or folders; null for everything. */
  readonly paths: readonly ByteString[] | null;
  /** Our own paths, which nobody may touch, with what to say of them; null for nothing. */
  readonly ours: ReadonlyMap<ByteString, string | null>;
  /** Paths whose content is not known for certain, on either side. */
  readonly unknown: readonly Problem[];
  readonly record: Pick<SnapshotRecord, 'ledger' | 'takenAt'>;
}

/** Said of a file that is captured now and was ignored when the snapshot was taken. */
export const ignoredThen: LeavingReason = { message: 'the snapshot ignored it', isExpected: true };

export function createScope({ paths, ours, unknown, record }: ScopeOptions): RollbackScope {
  const reasons = new Map<ByteString, LeavingReason | null>();
  // Ignored folders, and rules that caught one file, stand in the ledger by path.
  for (const { path } of record.ledger) if (path !== '') reasons.set(path.replace(/\/$/, ''), ignoredThen);
  for (const { path, message } of unknown) if (path !== '') reasons.set(path, { message, isExpected: false });
  for (const [path, message] of ours) reasons.set(path, message === null ? null : { message, isExpected: true });
  const rules = record.ledger.flatMap(ruleOf);
  const takenMs = Date.parse(record.takenAt);
  const wanted = paths === null || paths.includes('') ? null : new Set(paths);
  // Folders that lead to our own files stay, whatever the snapshot has: they only hold what is ours.
  const ways = new Set([...ours.keys()].flatMap(foldersAbove));
  const leading = new Set(wanted === null ? [] : [...wanted].flatMap(foldersAbove));
  return {
    standingOf(path) {
      if (reasons.has(path)) return 'left';
      if (wanted !== null && leading.has(path) && !isBelow(path, wanted)) return 'way';
      if (wanted !== null && !isBelow(path, wanted)) return 'outside';
      return ways.has(path) ? 'way' : 'inside';
    },
    reasonFor: (path) => reasons.get(path) ?? null,
    wasIgnored(path, ctimeMs) {
      return ctimeMs < takenMs && rules.some((matches) => matches(path));
    },
  };
}

/** A rule that caught several files stands in the ledger as it is written; it is read as wide as it could be meant. */
function ruleOf({ path: rule, reason, source, fileCount }: LedgerEntry): ((path: ByteString) => boolean)[] {
  if (fileCount < 2 || (reason !== 'gitignore' && reason !== 'syncignore') || rule.startsWith('!')) return [];
  const pattern = rule.replace(/^\//, '');
  if (pattern === '' || pattern.endsWith('/')) return [];
  if (!pattern.includes('/')) {
    const isName = /[*?[]/.test(pattern) ? pathPattern(pattern) : (_: ByteString, name: ByteString) => name === pattern;
    return [(path) => isName(path, path.slice(path.lastIndexOf('/') + 1))];
  }
  const folder = source.slice(0, Math.max(0, source.lastIndexOf('/') + 1));
  const isPath = pathPattern(`${folder}${pattern}`);
  return [(path) => isPath(path, path)];
}

function isBelow(path: ByteString, wanted: ReadonlySet<ByteString>): boolean {
  return wanted.has(path) || foldersAbove(path).some((folder) => wanted.has(folder));
}

/** "a/b/c" is in "a" and "a/b". */
export function foldersAbove(path: ByteString): ByteString[] {
  const folders: ByteString[] = [];
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) folders.push(path.slice(0, at));
  return folders;
}
