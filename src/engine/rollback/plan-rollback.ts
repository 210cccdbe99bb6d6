import type { ByteString } from '../../lib/bytes.ts';
import type { Problem } from '../../model/problem.ts';
import type { SnapshotRecord } from '../../model/snapshot.ts';
import type { VaultTree } from '../../model/vault-tree.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Deps } from '../deps.ts';
import { findEntry, pathUnknown } from '../find-path.ts';
import { openTreeReader } from '../read-tree.ts';
import { compareStates } from './compare-states.ts';
import { leaveUncaptured } from './find-obstacles.ts';
import { createScope } from './rollback-scope.ts';
import type { FileChange, StateChanges } from './state-changes.ts';

/** What one path of a plan is about. */
export interface PlannedPath {
  readonly path: ByteString;
  /** 'time': contents stay, and only times or permissions go back. */
  readonly what: 'change' | 'bring back' | 'set aside' | 'time';
}

/** What a rollback would do. */
export interface RollbackPlan {
  readonly changed: number;
  readonly broughtBack: number;
  readonly setAside: number;
  /** Files and folders that only get permissions or times back. */
  readonly retimed: number;
  /** Folders made and removed. */
  readonly foldersMade: number;
  readonly foldersRemoved: number;
  /** Bytes to read from the store. */
  readonly fetchBytes: number;
  /** Bytes of live files that are set aside, replaced ones included. */
  readonly asideBytes: number;
  /** A guess from counts and bytes, in milliseconds. */
  readonly estimateMs: number;
  /** In byte order. */
  readonly paths: readonly PlannedPath[];
  /** Paths that differ and stay as they are. */
  readonly leftAlone: readonly Problem[];
  /** Paths that stay because they should: what the snapshot ignored, our own settings. */
  readonly kept: readonly Problem[];
  readonly changes: StateChanges;
  /** The vault the plan was made against. */
  readonly live: VaultTree;
}

export interface PlanOptions {
  readonly record: SnapshotRecord;
  readonly reader: ObjectReader;
  readonly live: VaultTree;
  /** Paths of the vault that could not be captured. */
  readonly unknown: readonly Problem[];
  readonly paths: readonly ByteString[] | null;
  readonly signal?: AbortSignal | undefined;
}

/** Without the settings nobody could find the safety snapshot, and the way back. */
const settingsFile = 'holdfast.json';

/** Works out a rollback to a snapshot from the vault as it was scanned; nothing is changed. @throws {HoldfastError} `path_unknown` */
export async function planRollback(deps: Deps, options: PlanOptions): Promise<RollbackPlan> {
  const { record, reader, live, paths, signal } = options;
  await assertPathsKnown(options);
  const scope = createScope({
    paths,
    ours: new Map([
      [deps.settings.logFolder, null],
      [settingsFile, 'it says where the snapshots are'],
    ]),
    unknown: [...record.problems, ...options.unknown],
    record,
  });
  const compared = await compareStates({
    reader,
    target: { tree: record.tree, metadata: record.metadata },
    live,
    scope,
    signal,
  });
  const changes = leaveUncaptured(compared, { live, files: deps.liveTree });
  return summarize(changes, { reader, live, isLocal: deps.storage.isLocal });
}

async function assertPathsKnown({ record, reader, live, paths, signal }: PlanOptions): Promise<void> {
  const trees = openTreeReader(reader, { signal });
  for (const path of paths ?? []) {
    if (path === '' || live.find(path) >= 0) continue;
    if ((await findEntry(trees, record.tree, path)) === null) throw await pathUnknown(trees, record.tree, path);
  }
}

function summarize(
  changes: StateChanges,
  { reader, live, isLocal }: { reader: ObjectReader; live: VaultTree; isLocal: boolean },
): RollbackPlan {
  const counts = { change: 0, 'bring back': 0, 'set aside': 0, time: 0 };
  let fetchBytes = 0;
  let asideBytes = 0;
  const paths: PlannedPath[] = [];
  const swapped = new Set(
    changes.files.flatMap(({ path, row, target }) => (row >= 0 && target === null ? [path] : [])),
  );
  for (const change of changes.files) {
    const what = whatOf(change, live);
    counts[what]++;
    paths.push({ path: change.path, what });
    if (change.row >= 0 && change.keepsContent !== true) asideBytes += live.sizes[change.row]!;
    if (change.target !== null && change.keepsContent !== true) fetchBytes += storedBytesOf(change, reader);
  }
  const made = changes.folders.filter(({ row }) => row < 0);
  const removed = changes.folders.filter(({ row, target }) => row >= 0 && target === null);
  for (const { path } of made) if (!swapped.has(path)) paths.push({ path: `${path}/`, what: 'bring back' });
  for (const { path } of removed) paths.push({ path: `${path}/`, what: 'set aside' });
  const moves = changes.files.length + changes.folders.length;
  return {
    changed: counts.change,
    broughtBack: counts['bring back'],
    setAside: counts['set aside'],
    retimed: counts.time + changes.folders.length - made.length - removed.length,
    foldersMade: made.length,
    foldersRemoved: removed.length,
    fetchBytes,
    asideBytes,
    estimateMs: Math.round(200 + moves * 0.6 + fetchBytes / (isLocal ? 50_000 : 5_000)),
    paths: paths.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    leftAlone: changes.leftAlone,
    kept: changes.kept,
    changes,
    live,
  };
}

function whatOf({ row, target, keepsContent }: FileChange, live: VaultTree): PlannedPath['what'] {
  if (target === null) return 'set aside';
  if (row < 0) return 'bring back';
  if (keepsContent !== true) return 'change';
  const { permissions } = target;
  return permissions !== null && (live.modes[row]! & 0o7777) !== permissions ? 'change' : 'time';
}

/** Of a file kept in chunks only what leads to them: adding them up would mean reading its list. */
function storedBytesOf({ target }: FileChange, reader: ObjectReader): number {
  const at = target === null ? null : reader.locate(target.id);
  return at === null ? 0 : at.end - at.start;
}

/** A partial snapshot lacks paths that were there: going back to it must be wanted. */
export function assertWhole(record: SnapshotRecord, options: { allowPartial: boolean }): void {
  if (record.complete || options.allowPartial) return;
  throw new HoldfastError(
    'snapshot_partial',
    `the snapshot is partial: ${record.problems.length} ${record.problems.length === 1 ? 'path was' : 'paths were'} not stored.`,
    { hint: 'To go back to it all the same, and leave those paths as they are, add --allow-partial' },
  );
}
