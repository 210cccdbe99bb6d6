import type { ObjectId } from '../model/ids.ts';
import { fileModes, type TreeEntry } from '../model/tree.ts';
import { trueNameEntry } from './chunked-name.ts';
import { objectCorrupt } from './git/corrupt.ts';
import { idBytes } from './git/object-id.ts';

const digits = 8;
const prefixBytes = '100644 '.length;
const entryBytes = prefixBytes + digits + 1 + idBytes;
/** 0.1 billion chunks: 110 TiB on average. */
const chunksMax = 10 ** digits;

/**
 * Builds the tree of a chunked file: one blob a chunk, named `00000000`, `00000001`, ... in the order they are joined. All
 * of them are executable when the file is, so that stock git keeps the bit.
 */
export class ChunkTreeBuilder {
  #bytes = Buffer.allocUnsafe(entryBytes * 64);
  #count = 0;
  readonly #mode: string;

  constructor(options: { isExecutable: boolean }) {
    this.#mode = `${(options.isExecutable ? fileModes.executable : fileModes.file).toString(8)} `;
  }

  get chunkCount(): number {
    return this.#count;
  }

  /** Adds the next chunk, by the raw name of its blob. */
  add(id: Uint8Array): void {
    if (this.#count >= chunksMax) throw objectCorrupt('A file has more chunks than a chunk tree can name.');
    const at = this.#count * entryBytes;
    // Room is kept for the entry of the true name as well.
    if (at + 2 * entryBytes > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2);
    this.#writeEntry(at, { mode: this.#mode, name: String(this.#count).padStart(digits, '0'), id });
    this.#count++;
  }

  /** Returns the tree's bytes. `trueNameId` is the blob with the file's name, where its entry's name is shortened. */
  finish(trueNameId: Uint8Array | null): Uint8Array {
    const end = this.#count * entryBytes;
    if (trueNameId === null) return this.#bytes.subarray(0, end);
    const entry = { mode: `${fileModes.file.toString(8)} `, name: trueNameEntry, id: trueNameId };
    return this.#bytes.subarray(0, this.#writeEntry(end, entry));
  }

  #writeEntry(start: number, entry: { mode: string; name: string; id: Uint8Array }): number {
    const at = start + this.#bytes.write(`${entry.mode}${entry.name}\0`, start, 'latin1');
    this.#bytes.set(entry.id, at);
    return at + idBytes;
  }
}

/** A chunk tree read back: what to join, and where the true name is when the entry's name was shortened. */
export interface ChunkTree {
  readonly chunks: readonly ObjectId[];
  readonly isExecutable: boolean;
  readonly trueName: ObjectId | null;
}

/**
 * Reads the entries of a chunk tree.
 * @throws {HoldfastError} `object_corrupt` for anything but chunks in unbroken order of one mode, and at most a name
 */
export function readChunkTree(entries: readonly TreeEntry[]): ChunkTree {
  const last = entries.at(-1);
  const trueName = last?.name === trueNameEntry && last.mode === fileModes.file ? last.id : null;
  const chunks = trueName === null ? entries : entries.slice(0, -1);
  const mode = chunks[0]?.mode;
  if (mode !== fileModes.file && mode !== fileModes.executable) throw malformed();
  chunks.forEach((chunk, number) => {
    if (chunk.mode !== mode || chunk.name !== String(number).padStart(digits, '0')) throw malformed();
  });
  return { chunks: chunks.map((chunk) => chunk.id), isExecutable: mode === fileModes.executable, trueName };
}

function malformed(): Error {
  return objectCorrupt('The tree of a chunked file is not a run of chunks.');
}
