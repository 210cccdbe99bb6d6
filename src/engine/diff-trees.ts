import { type ByteString, compareByteStrings } from '../lib/bytes.ts';
import type { Change, ChangeSide } from '../model/change.ts';
import type { ObjectId } from '../model/ids.ts';
import { findEntry, pathUnknown } from './find-path.ts';
import type { SnapshotEntry, TreeReader } from './read-tree.ts';

/** One side of a comparison: a snapshot, or the vault as it is. */
export interface TreeSide {
  readonly trees: TreeReader;
  readonly root: ObjectId;
}

export interface DiffOptions {
  /** A file or folder to look at; null for everything. */
  readonly path?: ByteString | null;
  /** A folder that does not count: our own log inside the vault. */
  readonly except?: ByteString | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists what differs between two trees, in byte order of paths. Reads only folders that differ.
 * @throws {HoldfastError} `path_unknown` when neither side has the path asked for
 */
export async function diffTrees(before: TreeSide, after: TreeSide, options: DiffOptions = {}): Promise<Change[]> {
  const changes: Change[] = [];
  let level: FolderPair[] = [];
  const visit = (path: ByteString, old: SnapshotEntry | null, now: SnapshotEntry | null): void => {
    if (path === options.except) return;
    const [oldFolder, nowFolder] = [folderOf(old), folderOf(now)];
    if (oldFolder !== nowFolder) level.push({ path, before: oldFolder, after: nowFolder });
    const change = changeOf(sideOf(path, old), sideOf(path, now));
    if (change !== null) changes.push(change);
  };

  const path = options.path ?? '';
  const old = await findEntry(before.trees, before.root, path);
  const now = await findEntry(after.trees, after.root, path);
  if (old === null && now === null) throw await pathUnknown(before.trees, before.root, path);
  visit(path, old, now);
  while (level.length > 0) {
    options.signal?.throwIfAborted();
    const pairs = level;
    level = [];
    await before.trees.prefetch(pairs.flatMap((pair) => pair.before ?? []));
    await after.trees.prefetch(pairs.flatMap((pair) => pair.after ?? []));
    for (const pair of pairs) await visitPair(pair, { before, after, visit });
  }
  return splitChunkModes(changes.toSorted(compareChanges), { before, after });
}

interface FolderPair {
  readonly path: ByteString;
  readonly before: ObjectId | null;
  readonly after: ObjectId | null;
}

interface PairVisit {
  readonly before: TreeSide;
  readonly after: TreeSide;
  readonly visit: (path: ByteString, old: SnapshotEntry | null, now: SnapshotEntry | null) => void;
}

async function visitPair(pair: FolderPair, { before, after, visit }: PairVisit): Promise<void> {
  const olds = pair.before === null ? [] : await before.trees.folder(pair.before);
  const nows = pair.after === null ? [] : await after.trees.folder(pair.after);
  const oldOf = new Map(olds.map((entry) => [entry.name, entry]));
  const prefix = pair.path === '' ? '' : `${pair.path}/`;
  for (const now of nows) {
    visit(prefix + now.name, oldOf.get(now.name) ?? null, now);
    oldOf.delete(now.name);
  }
  for (const old of oldOf.values()) visit(prefix + old.name, old, null);
}

function folderOf(entry: SnapshotEntry | null): ObjectId | null {
  return entry?.kind === 'folder' ? entry.id : null;
}

function sideOf(path: ByteString, entry: SnapshotEntry | null): ChangeSide | null {
  return entry === null || entry.kind === 'folder' ? null : { path, kind: entry.kind, id: entry.id };
}

function changeOf(before: ChangeSide | null, after: ChangeSide | null): Change | null {
  if (before === null) return after === null ? null : { kind: 'added', path: after.path, before, after };
  const { path } = before;
  if (after === null) return { kind: 'removed', path, before, after };
  if ((before.kind === 'link') !== (after.kind === 'link')) return { kind: 'type', path, before, after };
  if (before.id !== after.id) return { kind: 'changed', path, before, after };
  return before.kind === after.kind ? null : { kind: 'mode', path, before, after };
}

/** The executable bit of a file in chunks stands in its list of chunks, so that another bit looks like another content. */
async function splitChunkModes(changes: Change[], sides: { before: TreeSide; after: TreeSide }): Promise<Change[]> {
  for (const [i, change] of changes.entries()) {
    if (change.kind !== 'changed' || change.before.kind !== 'chunked' || change.after.kind !== 'chunked') continue;
    const before = await sides.before.trees.chunks(change.before.id);
    const after = await sides.after.trees.chunks(change.after.id);
    if (after.ids.length === 0 || before.ids.join() !== after.ids.join()) continue;
    changes[i] = {
      ...change,
      kind: 'mode',
      before: { ...change.before, executable: before.executable },
      after: { ...change.after, executable: after.executable },
    };
  }
  return changes;
}

function compareChanges(a: Change, b: Change): number {
  return compareByteStrings(a.path, b.path);
}
