import { brokenIndex } from './git-index-error.ts';
import { IndexPathsBuilder, compareRows } from './git-index-paths.ts';
import type { IndexPaths } from './git-index-paths.ts';

/** A split index names the shared index it stands on and which of its entries, by position, no longer count. */
export interface SharedIndexLink {
  /** Hex digits of the shared index's checksum: it is the file `sharedindex.<base>`. */
  readonly base: string;
  readonly deleted: readonly number[];
}

/** Joins a split index with the shared index it stands on. */
export function joinSharedIndex(own: IndexPaths, link: SharedIndexLink, shared: IndexPaths): IndexPaths {
  const gone = new Set(link.deleted);
  const picked: [table: IndexPaths, row: number][] = [];
  let sharedRow = 0;
  const takeShared = (until: number | null): void => {
    for (; sharedRow < shared.starts.length; sharedRow++) {
      const order = until === null ? -1 : compareRows(shared, sharedRow, own, until);
      if (order > 0) return;
      // The same path in both: the split index has the newer word, and adds it itself.
      if (order !== 0 && !gone.has(sharedRow)) picked.push([shared, sharedRow]);
    }
  };
  for (let row = 0; row < own.starts.length; row++) {
    if (own.starts[row] === own.ends[row]) continue;
    takeShared(row);
    picked.push([own, row]);
  }
  takeShared(null);
  const builder = new IndexPathsBuilder(picked.length, own.bytes.length + shared.bytes.length);
  for (const [table, row] of picked) {
    builder.add(table.bytes.subarray(table.starts[row], table.ends[row]), table.submodule[row]!);
  }
  return builder.paths();
}

/** Parses the body of a `link` extension; null when it names no shared index. */
export function readIndexLink(body: Uint8Array, hashBytes: number): SharedIndexLink | null {
  if (body.length < hashBytes) throw brokenIndex('its link to a shared index is cut');
  const base = Buffer.from(body.subarray(0, hashBytes)).toString('hex');
  if (/^0+$/.test(base)) return null;
  return { base, deleted: body.length === hashBytes ? [] : readBitmap(body.subarray(hashBytes)) };
}

/** Positions of the set bits of an EWAH bitmap: run-length words, each followed by literal words. */
function readBitmap(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) throw brokenIndex('its link to a shared index is cut');
  const bitCount = view.getUint32(0);
  const wordCount = view.getUint32(4);
  if (8 + wordCount * 8 > bytes.length || bitCount > bitCountMax)
    throw brokenIndex('its link to a shared index is cut');
  const positions: number[] = [];
  let bit = 0;
  for (let word = 0; word < wordCount;) {
    const high = view.getUint32(8 + word * 8);
    const low = view.getUint32(12 + word * 8);
    const runWords = (high & 1) * 0x8000_0000 + (low >>> 1);
    const literals = Math.min(high >>> 1, wordCount - word - 1);
    word++;
    const runEnd = Math.min(bit + runWords * 64, bitCount);
    if ((low & 1) === 1) for (; bit < runEnd; bit++) positions.push(bit);
    bit = runEnd;
    for (let literal = 0; literal < literals; literal++, word++) {
      pushBits(positions, bit, view.getUint32(12 + word * 8));
      pushBits(positions, bit + 32, view.getUint32(8 + word * 8));
      bit += 64;
    }
  }
  return positions.filter((position) => position < bitCount);
}

const bitCountMax = 50_000_000;

function pushBits(positions: number[], first: number, word: number): void {
  for (let bit = 0; bit < 32; bit++) if (((word >>> bit) & 1) === 1) positions.push(first + bit);
}
