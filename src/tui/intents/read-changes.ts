import { type ContentSource, liveContents, type SideContent, snapshotContents } from '../../engine/change-content.ts';
import { detectRenames } from '../../engine/detect-renames.ts';
import { diffTrees, type TreeSide } from '../../engine/diff-trees.ts';
import { readEntrySizes } from '../../engine/object-sizes.ts';
import { openBrowser } from '../../engine/browse.ts';
import { compareRestored } from '../../engine/compare-restored.ts';
import { openTreeReader } from '../../engine/read-tree.ts';
import { scanLive } from '../../engine/scan-live.ts';
import { formatCount, formatSize } from '../../format/size.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { byteStringOf } from '../../lib/bytes.ts';
import type { Change, ChangeSide } from '../../model/change.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import { isBinary } from '../../model/text-content.ts';
import type { OpenedReader } from '../../ports/object-access.ts';
import type { Intent } from '../state/actions.ts';
import type { Against, ChangesFound, DiffFound } from '../state/app-state.ts';
import { changeTree } from '../state/change-rows.ts';
import { diffRows, fileRows } from '../state/diff-rows.ts';
import type { IntentContext } from './intent-context.ts';

/** Files up to this size are compared and shown; larger ones are named with their sizes. */
const shownBytesMax = 2 * 1024 * 1024;
const linesMax = 20_000;

/** What a restore point changed, or how the vault differs from it now. */
export async function readChanges(
  context: IntentContext,
  { point, against }: { point: RestorePoint; against: Against },
  signal: AbortSignal,
): Promise<ChangesFound> {
  const opened = await context.reader();
  const { logFolder: except } = context.deps.settings;
  const own = sideOf(opened, point, signal);
  const sides = await sidesOf(context, { point, against, opened, own, signal });
  const changes = await diffTrees(sides.before, sides.after, { except, signal });
  const renamed = await detectRenames(changes, {
    before: sides.contents.before,
    after: sides.contents.after,
    signal,
  });
  const stored = renamed.flatMap(({ before, after }) => [before, after]).filter((side) => side !== null);
  const sizes = await readEntrySizes(
    { reader: opened.reader, trees: openTreeReader(opened.reader, { signal }) },
    stored.filter(({ kind }) => kind !== 'chunked').map((side) => ({ name: '', kind: side.kind, id: side.id })),
    { signal },
  );
  return changeTree(renamed, ({ before, after }) => sizes.get(after?.id ?? before!.id) ?? null);
}

interface Sides {
  readonly before: TreeSide;
  readonly after: TreeSide;
  readonly contents: { readonly before: ContentSource; readonly after: ContentSource };
}

interface SidesAsked {
  readonly point: RestorePoint;
  readonly against: Against;
  readonly opened: OpenedReader;
  readonly own: TreeSide;
  readonly signal: AbortSignal;
}

/** Against the point before: what this one brought. Against live: what happened since. */
async function sidesOf(context: IntentContext, { point, against, opened, own, signal }: SidesAsked): Promise<Sides> {
  const stored = snapshotContents(opened.reader, { signal });
  if (against === 'live') {
    const live = await scanLive(context.deps, { known: opened.known, signal });
    return { before: own, after: live, contents: { before: stored, after: liveContents(context.deps.workingTree) } };
  }
  const previous = previousOf(context.points(), point);
  const before = previous === null ? nothing : sideOf(opened, previous, signal);
  return { before, after: own, contents: { before: stored, after: stored } };
}

/** The empty tree of git: what the first snapshot is compared with. */
const emptyRoot = '4b825dc642cb6eb9a060e54bf8d69288fbee4904' as RestorePoint['record']['tree'];
const nothing: TreeSide = {
  root: emptyRoot,
  trees: {
    folder: async () => [],
    chunks: async () => ({ ids: [], executable: false, trueName: null }),
    prefetch: async () => {},
  },
};

function sideOf({ reader }: OpenedReader, point: RestorePoint, signal: AbortSignal): TreeSide {
  return { trees: openTreeReader(reader, { signal }), root: point.record.tree };
}

/** The point its counts were made against, or the machine's next older one where that is gone. */
function previousOf(points: readonly RestorePoint[], { record }: RestorePoint): RestorePoint | null {
  const base = points.find((candidate) => candidate.record.id === record.base);
  if (base !== undefined) return base;
  const older = points.filter(
    (candidate) =>
      candidate.record.machine.id === record.machine.id && candidate.record.chain.sequence < record.chain.sequence,
  );
  return older[0] ?? null;
}

/** Compares the two sides of a change. */
export async function readDiff(
  context: IntentContext,
  { change, against }: Extract<Intent, { type: 'read_diff' }>,
  signal: AbortSignal,
): Promise<DiffFound> {
  const { reader } = await context.reader();
  const stored = snapshotContents(reader, { signal });
  const after = against === 'live' ? liveContents(context.deps.workingTree) : stored;
  return compare(context, change, { before: stored, after });
}

/** One version of a file beside what is there now: `-` is what taking the restore would remove, `+` what it would bring. */
export async function readVersionDiff(
  context: IntentContext,
  { path, id }: Extract<Intent, { type: 'read_version' }>,
  signal: AbortSignal,
): Promise<DiffFound> {
  const opened = await context.reader();
  const point = context.points().find(({ record }) => record.id === id);
  if (point === undefined) throw new HoldfastError('snapshot_unknown', `There is no snapshot ${id} any more.`);
  const { reader, known } = opened;
  const [change] = await compareRestored(context.deps, { reader, known, tree: point.record.tree, path, signal });
  if (change === undefined) {
    const file = await readFileRows(context, { point, path }, signal);
    return { ...file, note: `the same as what is there now · ${file.note}` };
  }
  const found = await compare(context, change, {
    before: liveContents(context.deps.workingTree),
    after: snapshotContents(reader, { signal }),
  });
  return { ...found, note: `- there now   + this version   ${found.note}` };
}

async function compare(
  { services }: IntentContext,
  change: Change,
  sources: { before: ContentSource; after: ContentSource },
): Promise<DiffFound> {
  const read = async (side: ChangeSide | null, source: ContentSource): Promise<SideContent> =>
    side === null ? { content: new Uint8Array(0), sizeBytes: 0 } : source.read(side, { sizeBytesMax: shownBytesMax });
  const before = await read(change.before, sources.before);
  const after = await read(change.after, sources.after);
  if (change.kind === 'mode') return { rows: [], note: 'only its permission to be run changed' };
  if (before.content === null || after.content === null || isBinary(before.content) || isBinary(after.content)) {
    const size = (side: ChangeSide | null, { sizeBytes }: SideContent): string =>
      side === null ? 'nothing' : sizeBytes === null ? 'large' : formatSize(sizeBytes);
    const what = typeOf(change.path, before.content ?? after.content);
    return { rows: [], note: `${what}: ${size(change.before, before)} → ${size(change.after, after)}` };
  }
  const compared = await services.diffTexts(before.content, after.content, { context: 3 });
  const note = `+${formatCount(compared.addedLines)} -${formatCount(compared.removedLines)} lines`;
  return { rows: diffRows(compared).slice(0, linesMax), note };
}

/** A file of a restore point as it was. */
export async function readFileRows(
  context: IntentContext,
  { point, path }: { point: RestorePoint; path: ByteString },
  signal: AbortSignal,
): Promise<DiffFound> {
  const { reader } = await context.reader();
  const entry = await openBrowser(reader, point.record, { signal }).find(path);
  if (entry.kind === 'folder') return { rows: [], note: 'a folder' };
  const { content, sizeBytes } = await snapshotContents(reader, { signal }).read(
    { path, kind: entry.kind, id: entry.id },
    { sizeBytesMax: shownBytesMax },
  );
  const size = sizeBytes === null ? 'large' : formatSize(sizeBytes);
  if (content === null || isBinary(content)) return { rows: [], note: `${typeOf(path, content)}: ${size}` };
  const text = byteStringOf(content);
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
  return {
    rows: fileRows(lines.slice(0, linesMax)),
    note: `${entry.kind === 'link' ? 'a link' : size}, ${formatCount(lines.length)} lines`,
  };
}

const imageNames = /\.(?:png|jpe?g|gif|webp|avif|heic|bmp|tiff?|ico|svg)$/i;

function typeOf(path: ByteString, content: Uint8Array | null): string {
  if (imageNames.test(path)) return 'an image';
  return content === null ? 'too large to show' : 'not text';
}
