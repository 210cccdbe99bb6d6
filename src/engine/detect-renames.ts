import { type ByteString, byteStringOf, compareByteStrings } from '../lib/bytes.ts';
import type { Change, ChangeSide } from '../model/change.ts';
import { isBinary } from '../model/text-content.ts';
import type { ContentSource } from './change-content.ts';

export interface RenameOptions {
  readonly before: ContentSource;
  readonly after: ContentSource;
  readonly signal?: AbortSignal | undefined;
}

type Added = Extract<Change, { kind: 'added' }>;
type Removed = Extract<Change, { kind: 'removed' }>;
type Renamed = Extract<Change, { kind: 'renamed' }>;

/** Percent of the content that must have stayed for two files to be one that moved; git's own default. */
const similarityMin = 50;
/** More files than this on either side are only paired when equal: every one of them is compared with every other. */
const filesMax = 100;
const fileBytesMax = 256 * 1024;

/**
 * Joins what was removed here and added there into renames: first files with the very same content, then, where there
 * are not too many, text files of which at least half stayed. Returns all changes in byte order of paths.
 */
export async function detectRenames(changes: readonly Change[], options: RenameOptions): Promise<Change[]> {
  const paired = new Map<ByteString, Renamed>();
  pairEqual(changes, paired);
  await pairSimilar(changes, { ...options, paired });
  const gone = new Set([...paired.values()].map((renamed) => renamed.before.path));
  return changes
    .filter((change) => !(change.kind === 'removed' && gone.has(change.path)))
    .map((change) => (change.kind === 'added' ? (paired.get(change.path) ?? change) : change));
}

/** Pairs by content id; of several files with one content, the one whose name stayed is preferred. */
function pairEqual(changes: readonly Change[], paired: Map<ByteString, Renamed>): void {
  const removed = new Map<string, Removed[]>();
  for (const change of changes) {
    if (change.kind !== 'removed') continue;
    const key = contentKey(change.before);
    const group = removed.get(key);
    if (group === undefined) removed.set(key, [change]);
    else group.push(change);
  }
  // Files that kept their name first, so that they are not given to another.
  for (const mustKeepName of [true, false]) {
    for (const change of changes) {
      if (change.kind !== 'added' || paired.has(change.path)) continue;
      const group = removed.get(contentKey(change.after)) ?? [];
      const at = mustKeepName
        ? group.findIndex((candidate) => nameOf(candidate.path) === nameOf(change.path))
        : group.length - 1;
      if (at < 0) continue;
      const [{ before }] = group.splice(at, 1) as [Removed];
      paired.set(change.path, { kind: 'renamed', path: change.path, before, after: change.after, similarity: 100 });
    }
  }
}

async function pairSimilar(
  changes: readonly Change[],
  options: RenameOptions & { paired: Map<ByteString, Renamed> },
): Promise<void> {
  const { paired } = options;
  const gone = new Set([...paired.values()].map((renamed) => renamed.before.path));
  const added = changes.filter((change): change is Added => change.kind === 'added' && !paired.has(change.path));
  const removed = changes.filter((change): change is Removed => change.kind === 'removed' && !gone.has(change.path));
  if (added.length === 0 || removed.length === 0) return;
  if (added.length > filesMax || removed.length > filesMax) return;

  const afterPrints = await printsOf(
    added.map((change) => change.after),
    options.after,
    options.signal,
  );
  const beforePrints = await printsOf(
    removed.map((change) => change.before),
    options.before,
    options.signal,
  );
  const scores: { score: number; added: Added; removed: Removed }[] = [];
  for (const [i, one] of added.entries()) {
    for (const [j, other] of removed.entries()) {
      const [after, before] = [afterPrints[i]!, beforePrints[j]!];
      if (after === null || before === null) continue;
      const score = similarityOf(before, after);
      if (score >= similarityMin) scores.push({ score, added: one, removed: other });
    }
  }
  scores.sort((a, b) => b.score - a.score || compareByteStrings(a.added.path, b.added.path));
  const taken = new Set<ByteString>();
  for (const {
    score,
    added: { path, after },
    removed: { before },
  } of scores) {
    if (paired.has(path) || taken.has(before.path)) continue;
    taken.add(before.path);
    paired.set(path, { kind: 'renamed', path, before, after, similarity: score });
  }
}

/** How many bytes of a text lie in lines of each kind. */
interface LinePrint {
  readonly sizeBytes: number;
  readonly bytesOfLine: ReadonlyMap<ByteString, number>;
}

async function printsOf(
  sides: readonly ChangeSide[],
  source: ContentSource,
  signal: AbortSignal | undefined,
): Promise<(LinePrint | null)[]> {
  const prints: (LinePrint | null)[] = [];
  for (const side of sides) {
    signal?.throwIfAborted();
    const isFile = side.kind === 'file' || side.kind === 'executable';
    const content = isFile ? (await source.read(side, { sizeBytesMax: fileBytesMax })).content : null;
    prints.push(content === null || content.length === 0 || isBinary(content) ? null : printOf(content));
  }
  return prints;
}

function printOf(content: Uint8Array): LinePrint {
  const bytesOfLine = new Map<ByteString, number>();
  for (const line of byteStringOf(content).split('\n')) {
    bytesOfLine.set(line, (bytesOfLine.get(line) ?? 0) + line.length + 1);
  }
  return { sizeBytes: content.length, bytesOfLine };
}

/** Share of the larger text that is in both, in whole percent below 100: equal texts were paired before. */
function similarityOf(before: LinePrint, after: LinePrint): number {
  const largest = Math.max(before.sizeBytes, after.sizeBytes);
  if (Math.min(before.sizeBytes, after.sizeBytes) * 100 < largest * similarityMin) return 0;
  let shared = 0;
  for (const [line, bytes] of before.bytesOfLine) shared += Math.min(bytes, after.bytesOfLine.get(line) ?? 0);
  return Math.min(99, Math.floor((shared * 100) / largest));
}

/** An executable that moved and lost its bit is still the same content; a link never is a file. */
function contentKey(side: ChangeSide): string {
  return `${side.kind === 'link' ? 'link' : 'file'} ${side.id}`;
}

function nameOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}
