import { encodeBundle } from '../format/git/bundle.ts';
import { encodeCommit, decodeCommit } from '../format/git/commit-codec.ts';
import { objectIdOf } from '../format/git/object-id.ts';
import { compressContent, decodeEntryHeader, writeEntryHeader } from '../format/git/pack-entry.ts';
import { folderNameOfSnapshotId } from '../format/store-layout.ts';
import { mapConcurrent } from '../lib/map-concurrent.ts';
import { slugOfLabel, type ObjectId } from '../model/ids.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { ObjectLocation, ObjectReader } from '../ports/object-reader.ts';
import type { ObjectType } from '../ports/object-writer.ts';
import type { Deps } from './deps.ts';
import { findReachable, type ReachableObjects } from './reachable-objects.ts';

const rangeBytesMax = 4 * 1024 * 1024;
const rangesUnderWay = 2;

export interface Bundle {
  /** The branch a clone gets. */
  readonly branch: string;
  /** Tip of that branch: the snapshot's commit, or one with the same tree where the history beneath is not whole. */
  readonly commit: ObjectId;
  readonly hasHistory: boolean;
  readonly objectCount: number;
  readonly pieces: AsyncIterable<Uint8Array>;
}

export interface ExportReport {
  readonly directory: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly branch: string;
  readonly hasHistory: boolean;
  readonly objectCount: number;
}

/**
 * Makes a git bundle of one restore point that needs nothing else: `git clone` takes it. Where the repository's
 * history is not whole in the store (shallow, partial), the bundle holds the snapshot alone.
 */
export async function makeBundle(
  reader: ObjectReader,
  point: RestorePoint,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Bundle> {
  const { record } = point;
  const hasHistory = record.git?.head != null && record.git.historyComplete && record.git.shallow.length === 0;
  const read = await reader.read(record.commit, options.signal === undefined ? {} : { signal: options.signal });
  const lone = { ...decodeCommit(read.content), parents: [record.metadata] };
  const loneContent =
    hasHistory || lone.author === null || lone.committer === null
      ? null
      : encodeCommit({ ...lone, author: lone.author, committer: lone.committer });
  const commit = loneContent === null ? record.commit : objectIdOf('commit', loneContent);
  const objects = await findReachable(
    reader,
    loneContent === null ? [record.commit] : [record.tree, record.metadata],
    options,
  );
  const extra = loneContent === null || objects.has(commit) ? null : encodeEntry('commit', loneContent);
  const objectCount = objects.size + (extra === null ? 0 : 1);
  const branch = slugOfLabel(record.label);
  const entries = entriesOf(reader, { objects, extra, signal: options.signal });
  const pieces = encodeBundle({ refs: [{ name: `refs/heads/${branch}`, id: commit }], objectCount, entries });
  return { branch, commit, hasHistory, objectCount, pieces };
}

/** Writes the bundle of a restore point into a new folder of the holding directory. */
export async function exportBundle(
  deps: Deps,
  options: { point: RestorePoint; reader: ObjectReader; signal?: AbortSignal | undefined },
): Promise<ExportReport> {
  const { point, reader, signal } = options;
  deps.events.emit({ type: 'phase_started', phase: 'export' });
  const bundle = await makeBundle(reader, point, { signal });
  const name = folderNameOfSnapshotId(point.record.id);
  const fileName = `${name}.bundle`;
  let sizeBytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of bundle.pieces) {
      signal?.throwIfAborted();
      sizeBytes += piece.length;
      deps.events.emit({ type: 'progress', phase: 'export', done: sizeBytes, total: null, unit: 'bytes' });
      yield piece;
    }
  }
  await using writer = await deps.holdingArea.begin(`export-${name}`);
  await writer.writeFile({ path: fileName, permissions: 0o600, mtimeMs: null }, counted());
  const { directory } = await writer.finish({ whole: true });
  await deps.snapshotIndex.append({ event: 'export', id: point.record.id, sizeBytes });
  const { branch, hasHistory, objectCount } = bundle;
  return { directory, fileName, sizeBytes, branch, hasHistory, objectCount };
}

/** Yields pack entries in storage order: neighbours are fetched together, and whole entries copied as they are. */
async function* entriesOf(
  reader: ObjectReader,
  source: { objects: ReachableObjects; extra: Uint8Array | null; signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const signalOption = source.signal === undefined ? {} : { signal: source.signal };
  const ranges = mapConcurrent(
    contiguousRanges(source.objects),
    { limit: rangesUnderWay, signal: source.signal },
    async (range) => ({
      range,
      bytes: await reader.readRange(range.pack, range.start, range.end, signalOption),
    }),
  );
  for await (const { range, bytes } of ranges) {
    for (const { id, location } of range.members) {
      const entry = bytes.subarray(location.start - range.start, location.end - range.start);
      if (decodeEntryHeader(entry, 0).kind === 'object') yield entry;
      else yield await wholeEntry(reader, id, signalOption);
    }
  }
  if (source.extra !== null) yield source.extra;
}

/** A delta's base may be left out of the bundle, so deltas are resolved. */
async function wholeEntry(reader: ObjectReader, id: ObjectId, options: { signal?: AbortSignal }): Promise<Uint8Array> {
  const { type, content } = await reader.read(id, options);
  return encodeEntry(type, content);
}

function encodeEntry(type: ObjectType, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(16);
  const headerBytes = writeEntryHeader(header, 0, { type, sizeBytes: content.length });
  return Buffer.concat([header.subarray(0, headerBytes), compressContent(content)]);
}

interface Range {
  readonly pack: number;
  readonly start: number;
  end: number;
  readonly members: { readonly id: ObjectId; readonly location: ObjectLocation }[];
}

function* contiguousRanges(objects: ReachableObjects): Generator<Range> {
  const ordered = [...objects].toSorted(([, a], [, b]) => a.pack - b.pack || a.start - b.start);
  let range: Range | null = null;
  for (const [id, location] of ordered) {
    const fits =
      range !== null &&
      range.pack === location.pack &&
      range.end === location.start &&
      location.end - range.start <= rangeBytesMax;
    if (range !== null && !fits) yield range;
    if (range === null || !fits) range = { pack: location.pack, start: location.start, end: location.end, members: [] };
    range.end = location.end;
    range.members.push({ id, location });
  }
  if (range !== null) yield range;
}
