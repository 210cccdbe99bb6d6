import type { Session } from '../app/compose.ts';
import { glanceAtStore } from '../engine/glance-at-store.ts';
import { listSnapshots } from '../engine/list-snapshots.ts';
import { openPointReader } from '../engine/store-view.ts';
import { openTreeReader } from '../engine/read-tree.ts';
import { findEntry } from '../engine/find-path.ts';
import { displayText } from '../format/display-name.ts';
import type { ByteString } from '../lib/bytes.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import { newestOfMachine } from '../model/restore-point.ts';
import type { OpenedReader } from '../ports/object-access.ts';
import { choosePoint, type ChosenPoint } from './choose-point.ts';
import type { CommandContext } from './command.ts';
import { parseWhenText } from './parse-when.ts';
import { parseVaultPath } from './vault-path.ts';

const unusableShownMax = 3;

/** The restore points, and a reader over everything they need. */
export interface PointsAtHand extends OpenedReader {
  /** Newest first, never empty. */
  readonly points: readonly RestorePoint[];
  /** This machine's newest point, or the newest of all when it has none. */
  readonly newest: RestorePoint;
  /** @throws {HoldfastError} `snapshot_unknown`, `when_invalid` */
  choose(raw: string): Promise<ChosenPoint>;
  /** Reads a path as typed. */
  path(raw: string): ByteString;
}

/** The words of a command that looks at one restore point. */
export interface AskedWords {
  readonly path: string | undefined;
  readonly when: string | undefined;
}

/** Reads `[path] [when]`; with `--all` the only word is the restore point. */
export function askedWords(context: CommandContext): AskedWords {
  const [first, second] = context.args;
  return context.flag('all') ? { path: undefined, when: first } : { path: first, when: second };
}

/**
 * Opens the store for looking around. A store that cannot be asked is a note: what is known may be enough. Commands that
 * look at one point say which: in a store never seen before it may be found without fetching all the others.
 */
export async function openPoints(context: CommandContext, deps: Session, asked?: AskedWords): Promise<PointsAtHand> {
  const { io, out, signal } = context;
  const glanced = asked === undefined ? null : await glance(context, deps, asked);
  if (glanced !== null) return glanced;
  const { points, invalid, unreachable } = await listSnapshots(deps, { refresh: 'always', signal });
  // "There is no snapshot" would be a guess: nobody could look.
  if (points.length === 0 && unreachable !== null) throw unreachable;
  const choose = (raw: string): Promise<ChosenPoint> => choosePoint(points, raw, { now: io.now(), invalid });
  // Fails when there is none, with the advice to take one.
  const latest = await choose('latest');
  if (unreachable !== null)
    out.note(`  the store cannot be reached (${displayText(unreachable.message)}); using what is known`);
  const opened = await openPointReader(deps, points, { signal });
  for (const { key, reason } of opened.unusable.slice(0, unusableShownMax)) {
    out.note(`  cannot be used: ${displayText(key)}: ${displayText(reason)}`);
  }
  return {
    ...opened,
    points,
    newest: newestOfMachine(points, deps.identity.machine.id) ?? latest.point,
    choose,
    path: (raw) => pathAsTyped(context, deps, raw),
  };
}

async function glance(context: CommandContext, deps: Session, asked: AskedWords): Promise<PointsAtHand | null> {
  const { io, signal } = context;
  const raw = asked.when ?? 'latest';
  const when = await parseWhenText(raw, { now: io.now() });
  const found = await glanceAtStore(deps, when, { signal });
  if (found === null) return null;
  const { point, opened } = found;
  const at: PointsAtHand = {
    ...opened,
    points: [point],
    newest: point,
    choose: async (word) => (word === raw ? { point, when } : choosePoint([point], word, { now: io.now() })),
    path: (word) => pathAsTyped(context, deps, word),
  };
  // One word alone may be a path or a restore point; when it is no path here, all points have to be asked.
  const isPlain = asked.path === undefined || asked.when !== undefined || (await isInNewest(at, asked.path));
  return isPlain ? at : null;
}

function pathAsTyped({ io }: CommandContext, deps: Session, raw: string): ByteString {
  return parseVaultPath(raw, { cwd: io.cwd, root: deps.identity.vault.root, platform: io.platform });
}

export interface PathAndPoint {
  /** Null: nothing was asked for but the point. */
  readonly path: ByteString | null;
  readonly chosen: ChosenPoint;
}

/**
 * Tells what `[path] [when]` mean. One word alone is a path when the newest point has it, else a point when there is one of
 * that name or time; a path otherwise, which will then be reported as unknown.
 */
export async function readPathAndPoint(
  at: PointsAtHand,
  words: readonly string[],
  when?: string,
): Promise<PathAndPoint> {
  const [first, second] = words;
  const asked = second ?? when;
  if (first === undefined) return { path: null, chosen: await chooseOrNewest(at, asked) };
  if (asked !== undefined) return { path: at.path(first), chosen: await at.choose(asked) };
  if (!(await isInNewest(at, first))) {
    const chosen = await tryChoose(at, first);
    if (chosen !== null) return { path: null, chosen };
  }
  return { path: at.path(first), chosen: await chooseOrNewest(at, undefined) };
}

/** The point a word names; null when it names none. */
export async function tryChoose(at: PointsAtHand, raw: string): Promise<ChosenPoint | null> {
  try {
    return await at.choose(raw);
  } catch (error) {
    if (isHoldfastError(error, 'snapshot_unknown')) return null;
    throw error;
  }
}

async function chooseOrNewest(at: PointsAtHand, when: string | undefined): Promise<ChosenPoint> {
  if (when !== undefined) return at.choose(when);
  return { point: at.newest, when: { raw: 'latest', latestMinus: 0, time: null, timeText: null } };
}

async function isInNewest(at: PointsAtHand, raw: string): Promise<boolean> {
  try {
    return (await findEntry(openTreeReader(at.reader), at.newest.record.tree, at.path(raw))) !== null;
  } catch (error) {
    if (isHoldfastError(error, 'path_invalid')) return false;
    throw error;
  }
}
