import { mapConcurrent } from '../lib/map-concurrent.ts';
import { objectCorrupt } from '../format/git/corrupt.ts';
import type { ObjectId } from '../model/ids.ts';
import type { ObjectLocation, ObjectReader } from '../ports/object-reader.ts';
import { decodeEntry } from './decode-entry.ts';
import type { SnapshotEntry, TreeReader } from './read-tree.ts';

// Chunks of one file were written one after the other, so they are read in runs.
const runBytesMax = 8 * 1024 * 1024;
const runsInFlightMax = 2;

/** Yields the bytes of a file or the target of a link, in order, each piece proved. */
export async function* readFile(
  source: { readonly reader: ObjectReader; readonly trees: TreeReader },
  entry: SnapshotEntry,
  options: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array> {
  const ids = entry.kind === 'chunked' ? (await source.trees.chunks(entry.id)).ids : [entry.id];
  yield* readBlobs(source.reader, ids, options);
}

/** Yields the contents of blobs in the order of `ids`, reading neighbours in one request. */
export async function* readBlobs(
  reader: ObjectReader,
  ids: readonly ObjectId[],
  options: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array> {
  const { signal } = options;
  const runs = runsOf(reader, ids);
  const answers = mapConcurrent(runs, { limit: runsInFlightMax, signal }, (run) => readRun(reader, run, signal));
  for await (const contents of answers) yield* contents;
}

interface Run {
  readonly ids: ObjectId[];
  /** Where each id lies, one behind the other; null for a run of one whose place only the reader knows. */
  readonly places: ObjectLocation[] | null;
}

function* runsOf(reader: ObjectReader, ids: readonly ObjectId[]): Generator<Run> {
  let run: { ids: ObjectId[]; places: ObjectLocation[] } | null = null;
  for (const id of ids) {
    const place = reader.locate(id);
    const previous = run?.places.at(-1);
    if (run !== null && place !== null && previous?.pack === place.pack && previous.end === place.start) {
      if (place.end - run.places[0]!.start <= runBytesMax) {
        run.ids.push(id);
        run.places.push(place);
        continue;
      }
    }
    if (run !== null) yield run;
    run = place === null ? null : { ids: [id], places: [place] };
    if (place === null) yield { ids: [id], places: null };
  }
  if (run !== null) yield run;
}

async function readRun(reader: ObjectReader, run: Run, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
  const options = signal === undefined ? {} : { signal };
  const { ids, places } = run;
  if (places === null || places.length === 1) return [await readBlob(reader, ids[0]!, options)];
  const origin = places[0]!.start;
  const bytes = await reader.readRange(places[0]!.pack, origin, places.at(-1)!.end, options);
  const contents: Uint8Array[] = [];
  for (const [i, id] of ids.entries()) {
    const place = places[i]!;
    const object = decodeEntry(bytes, { id, start: place.start - origin, end: place.end - origin });
    contents.push(object?.type === 'blob' ? object.content : await readBlob(reader, id, options));
  }
  return contents;
}

async function readBlob(reader: ObjectReader, id: ObjectId, options: { signal?: AbortSignal }): Promise<Uint8Array> {
  const { type, content } = await reader.read(id, options);
  if (type !== 'blob') throw objectCorrupt(`The object ${id} is a ${type} where a file should be.`);
  return content;
}
