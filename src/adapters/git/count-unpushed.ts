import { decodeCommit } from '../../format/git/commit-codec.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { GitState } from '../../model/snapshot.ts';
import { openLocalObjects } from './local-objects.ts';
import type { LocalObjects } from './local-objects.ts';
import { findObjectFolders } from './object-folders.ts';

/**
 * Counts commits that a local branch reaches and no remote-tracking ref does. Null when that would take reading more
 * than a bounded number of commits, or one of them cannot be read.
 */
export async function countUnpushed(commonDir: string, state: GitState): Promise<number | null> {
  const idsBelow = (prefix: string): Set<ObjectId> =>
    new Set(state.refs.filter((ref) => ref.name.startsWith(prefix)).map((ref) => ref.id));
  const pushed = idsBelow('refs/remotes/');
  return countCommits(commonDir, { from: [...idsBelow('refs/heads/')], without: [...pushed], shallow: state.shallow });
}

/**
 * Counts commits that are reached from some and not from others. Null when that would take reading more than a bounded number
 * of commits, or one of them cannot be read.
 */
export async function countCommits(
  commonDir: string,
  range: {
    readonly from: readonly ObjectId[];
    readonly without: readonly ObjectId[];
    readonly shallow: readonly ObjectId[];
  },
): Promise<number | null> {
  const pushed = new Set(range.without);
  const local = range.from.filter((id) => !pushed.has(id));
  if (local.length === 0) return 0;
  try {
    const { folders } = findObjectFolders(commonDir);
    using objects = openLocalObjects(folders, { indexBytesMax });
    return await paintDown({ objects, local, pushed: [...pushed], shallow: new Set(range.shallow) });
  } catch {
    return null;
  }
}

interface Walk {
  readonly objects: LocalObjects;
  readonly local: readonly ObjectId[];
  readonly pushed: readonly ObjectId[];
  /** Commits whose parents a shallow clone does not have. */
  readonly shallow: ReadonlySet<ObjectId>;
}

interface Painted {
  readonly id: ObjectId;
  readonly parents: readonly ObjectId[];
  readonly seconds: number;
  isPushed: boolean;
}

const commitsMax = 2_000;
const indexBytesMax = 64 << 20;

/** Goes from new to old, painting what remotes reach, until paint can reach nothing unpainted any more. */
async function paintDown(walk: Walk): Promise<number | null> {
  const seen = new Map<ObjectId, Painted>();
  const waiting: Painted[] = [];
  const reach = async (id: ObjectId, isPushed: boolean): Promise<boolean> => {
    const known = seen.get(id);
    if (known !== undefined) {
      // Paint that comes late has to run down again.
      if (isPushed && !known.isPushed) {
        known.isPushed = true;
        if (!waiting.includes(known)) waiting.push(known);
      }
      return true;
    }
    if (seen.size >= commitsMax) return false;
    const commit = await readCommit(walk, id);
    if (commit === null) return false;
    const painted = { id, ...commit, isPushed };
    seen.set(id, painted);
    waiting.push(painted);
    return true;
  };
  for (const id of walk.local) if (!(await reach(id, false))) return null;
  // A remote-tracking ref may lead to a tag or to something gone; then it paints nothing.
  for (const id of walk.pushed) if (!(await reach(id, true)) && seen.size >= commitsMax) return null;
  while (mayStillPaint(waiting, seen)) {
    const commit = takeNewest(waiting);
    for (const parent of commit.parents) if (!(await reach(parent, commit.isPushed))) return null;
  }
  let count = 0;
  for (const { isPushed } of seen.values()) if (!isPushed) count++;
  return count;
}

/**
 * True while something unpainted waits, or paint that waits could still reach something unpainted: several commits of one second
 * come in any order.
 */
function mayStillPaint(waiting: readonly Painted[], seen: ReadonlyMap<ObjectId, Painted>): boolean {
  if (waiting.some(({ isPushed }) => !isPushed)) return true;
  let oldest = Number.POSITIVE_INFINITY;
  for (const { isPushed, seconds } of seen.values()) if (!isPushed) oldest = Math.min(oldest, seconds);
  return waiting.some(({ seconds }) => seconds >= oldest);
}

async function readCommit(
  { objects, shallow }: Walk,
  id: ObjectId,
): Promise<Pick<Painted, 'parents' | 'seconds'> | null> {
  const object = await objects.read(id);
  if (object === null || object.type !== 'commit') return null;
  const { parents, committer } = decodeCommit(object.content);
  return { parents: shallow.has(id) ? [] : parents, seconds: committer?.timeSeconds ?? 0 };
}

function takeNewest(waiting: Painted[]): Painted {
  let newest = 0;
  for (let i = 1; i < waiting.length; i++) if (waiting[i]!.seconds > waiting[newest]!.seconds) newest = i;
  return waiting.splice(newest, 1)[0]!;
}
