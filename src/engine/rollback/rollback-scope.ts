import type { ByteString } from '../../lib/bytes.ts';
import type { Problem } from '../../model/problem.ts';

/** How a path stands to a rollback; a folder's standing holds for everything below, except on the way. */
export type Standing =
  /** Goes back to what the snapshot has. */
  | 'inside'
  /** A folder that leads to what is inside. */
  | 'way'
  /** Would go back, and must not be touched. */
  | 'left'
  | 'outside';

export interface RollbackScope {
  standingOf(path: ByteString): Standing;
  /** Why a path is left as it is; null where nobody needs to be told. */
  reasonFor(path: ByteString): string | null;
}

export interface ScopeOptions {
  /** Files or folders; null for everything. */
  readonly paths: readonly ByteString[] | null;
  /** Paths nobody may touch and nobody needs to be told of: our own index, the settings. */
  readonly ours: readonly ByteString[];
  /** Paths whose content is not known for certain, on either side. */
  readonly unknown: readonly Problem[];
}

export function createScope({ paths, ours, unknown }: ScopeOptions): RollbackScope {
  const reasons = new Map<ByteString, string | null>();
  for (const { path, message } of unknown) if (path !== '') reasons.set(path, message);
  for (const path of ours) reasons.set(path, null);
  const wanted = paths === null || paths.includes('') ? null : new Set(paths);
  // Folders that lead to our own files stay, whatever the snapshot has: they only hold what is ours.
  const ways = new Set(ours.flatMap(foldersAbove));
  const leading = new Set(wanted === null ? [] : [...wanted].flatMap(foldersAbove));
  return {
    standingOf(path) {
      if (reasons.has(path)) return 'left';
      if (wanted !== null && leading.has(path) && !isBelow(path, wanted)) return 'way';
      if (wanted !== null && !isBelow(path, wanted)) return 'outside';
      return ways.has(path) ? 'way' : 'inside';
    },
    reasonFor: (path) => reasons.get(path) ?? null,
  };
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
