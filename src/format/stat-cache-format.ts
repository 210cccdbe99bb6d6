import { crc32 } from 'node:zlib';
import { VaultTree } from '../model/vault-tree.ts';

/** What a stat cache holds besides columns. Another `machine` or format makes the file worthless. */
export interface StatCacheHeader {
  readonly machine: string;
  readonly snapshotId: string;
  readonly storeId: string;
  readonly storeGeneration: string;
  readonly historyFingerprint: string | null;
}

export interface DecodedStatCache {
  readonly header: StatCacheHeader;
  readonly tree: VaultTree;
  readonly memory: Uint8Array;
}

export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

/** Raised whenever the layout or the meaning of a column changes; a cache of any other version is not read. */
const formatVersion = 1;
// "HFSC" followed by the version; the machine's own byte order, so a cache moved to another kind of machine is refused.
const magic = 0x43534648;
const preambleBytes = 16;
const headerBytesMax = 1 << 24;

/**
 * Encodes a stat cache as pieces to be written one after the other: preamble (magic, version, CRC-32 and length of the
 * rest), a JSON header, then the tree's columns as they lie in memory. Nothing is copied, so the tree must not change before
 * the pieces are written.
 */
export function encodeStatCache(cache: DecodedStatCache): readonly Uint8Array[] {
  const { tree, memory, header } = cache;
  const counts = { entries: tree.entryCount, folders: tree.folderCount, names: tree.namesSize };
  const body = packColumns({ ...header, counts }, [...usedColumns(tree), memory]);
  let checksum = 0;
  let sizeBytes = 0;
  for (const piece of body) {
    checksum = crc32(piece, checksum);
    sizeBytes += piece.length;
  }
  if (sizeBytes > 0xffff_ffff) throw new RangeError('a stat cache cannot exceed 4 GiB');
  const preamble = new Uint32Array([magic, formatVersion, checksum, sizeBytes]);
  return [bytesOfColumn(preamble), ...body];
}

/**
 * Decodes a stat cache; the tree's columns are views of `bytes`, which must start at a multiple of 8 in its buffer and
 * not change afterwards. Returns null for anything that is not a whole cache of this format, checked by its CRC-32.
 */
export function decodeStatCache(bytes: Uint8Array): DecodedStatCache | null {
  if (bytes.length < preambleBytes || bytes.byteOffset % 8 !== 0) return null;
  const [foundMagic, version, checksum, sizeBytes] = new Uint32Array(bytes.buffer, bytes.byteOffset, 4);
  if (foundMagic !== magic || version !== formatVersion) return null;
  const body = bytes.subarray(preambleBytes);
  if (body.length !== sizeBytes || crc32(body) !== checksum) return null;
  const unpacked = unpackColumns(body);
  if (unpacked === null) return null;
  const header = headerOf(unpacked.header);
  const counts = countsOf(unpacked.header);
  if (header === null || counts === null) return null;
  const memory = unpacked.columns.pop();
  const tree = treeOf(counts, unpacked.columns);
  return tree === null || !(memory instanceof Uint8Array) ? null : { header, tree, memory };
}

/** Packs a JSON header and typed arrays into pieces, each array at a multiple of 8 bytes. */
export function packColumns(header: object, columns: readonly Column[]): readonly Uint8Array[] {
  const shapes = columns.map((column) => `${columnKind(column)}${column.length}`);
  const text = new TextEncoder().encode(JSON.stringify({ header, shapes }));
  const pieces = [bytesOfColumn(new Uint32Array([text.length, 0])), text, padding(text.length)];
  for (const column of columns) pieces.push(bytesOfColumn(column), padding(column.byteLength));
  return pieces.filter((piece) => piece.length > 0);
}

/** Undoes `packColumns`; arrays are views of `bytes`. Null when the bytes do not add up. */
export function unpackColumns(bytes: Uint8Array): { header: Record<string, unknown>; columns: Column[] } | null {
  if (bytes.length < 8 || bytes.byteOffset % 8 !== 0) return null;
  const length = new Uint32Array(bytes.buffer, bytes.byteOffset, 1)[0]!;
  if (length > headerBytesMax || 8 + length > bytes.length) return null;
  const parsed = parseJson(bytes.slice(8, 8 + length));
  if (!isObject(parsed) || !isObject(parsed['header']) || !Array.isArray(parsed['shapes'])) return null;
  const columns: Column[] = [];
  let at = 8 + length + padding(length).length;
  for (const shape of parsed['shapes']) {
    const found = /^([BHIiD])(\d{1,10})$/.exec(String(shape));
    if (found === null) return null;
    const make = columnKinds[found[1] as keyof typeof columnKinds];
    const count = Number(found[2]);
    if (at + count * make.BYTES_PER_ELEMENT > bytes.length) return null;
    const column = new make(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, count);
    columns.push(column);
    at += column.byteLength + padding(column.byteLength).length;
  }
  return at === bytes.length ? { header: parsed['header'], columns } : null;
}

const columnKinds = { B: Uint8Array, H: Uint16Array, I: Uint32Array, i: Int32Array, D: Float64Array } as const;

function columnKind(column: Column): string {
  if (column instanceof Uint8Array) return 'B';
  if (column instanceof Uint16Array) return 'H';
  if (column instanceof Uint32Array) return 'I';
  return column instanceof Int32Array ? 'i' : 'D';
}

/** The tree's columns without their spare room, in the order they stand in the file. */
function usedColumns(tree: VaultTree): Column[] {
  const { entryCount: entries, folderCount: folders } = tree;
  return [
    tree.modes.subarray(0, entries),
    tree.flags.subarray(0, entries),
    tree.sizes.subarray(0, entries),
    tree.mtimes.subarray(0, entries),
    tree.ctimes.subarray(0, entries),
    tree.inodes.subarray(0, entries),
    tree.ids.subarray(0, entries * 20),
    tree.nameStarts.subarray(0, entries),
    tree.nameLengths.subarray(0, entries),
    tree.childFolders.subarray(0, entries),
    tree.names.subarray(0, tree.namesSize),
    tree.folderEntryStarts.subarray(0, folders),
    tree.folderEntryCounts.subarray(0, folders),
    tree.folderRows.subarray(0, folders),
    tree.folderParents.subarray(0, folders),
    tree.metadataIds.subarray(0, folders * 20),
    tree.metadataIsLeaf.subarray(0, folders),
    tree.folderRules.subarray(0, folders),
  ];
}

interface TreeCounts {
  readonly entries: number;
  readonly folders: number;
  readonly names: number;
}

/** Puts columns back into a tree, or returns null when one has another length or type than the counts say. */
function treeOf(counts: TreeCounts, columns: readonly Column[]): VaultTree | null {
  const tree = new VaultTree({ entries: 0, folders: 0, nameBytes: 0 });
  const { entries, folders } = counts;
  const ofEntries = Array<number>(10)
    .fill(entries)
    .with(6, entries * 20);
  const ofFolders = Array<number>(7)
    .fill(folders)
    .with(4, folders * 20);
  const lengths = [...ofEntries, counts.names, ...ofFolders];
  const expected = usedColumns(tree);
  if (columns.length !== lengths.length) return null;
  for (const [i, column] of columns.entries()) {
    if (column.length !== lengths[i] || columnKind(column) !== columnKind(expected[i]!)) return null;
  }
  let next = 0;
  const take = <T extends Column>(): T => columns[next++] as T;
  tree.modes = take();
  tree.flags = take();
  tree.sizes = take();
  tree.mtimes = take();
  tree.ctimes = take();
  tree.inodes = take();
  tree.ids = take();
  tree.nameStarts = take();
  tree.nameLengths = take();
  tree.childFolders = take();
  tree.names = take();
  tree.folderEntryStarts = take();
  tree.folderEntryCounts = take();
  tree.folderRows = take();
  tree.folderParents = take();
  tree.metadataIds = take();
  tree.metadataIsLeaf = take();
  tree.folderRules = take();
  tree.entryCount = entries;
  tree.folderCount = folders;
  tree.namesSize = counts.names;
  return tree;
}

function headerOf(header: Record<string, unknown>): StatCacheHeader | null {
  const { machine, snapshotId, storeId, storeGeneration, historyFingerprint } = header as Partial<
    Record<keyof StatCacheHeader, unknown>
  >;
  if (typeof machine !== 'string' || typeof snapshotId !== 'string') return null;
  if (typeof storeId !== 'string' || typeof storeGeneration !== 'string') return null;
  if (historyFingerprint !== null && typeof historyFingerprint !== 'string') return null;
  return { machine, snapshotId, storeId, storeGeneration, historyFingerprint };
}

function countsOf(header: Record<string, unknown>): TreeCounts | null {
  const counts = header['counts'];
  if (!isObject(counts)) return null;
  const { entries, folders, names } = counts as Partial<Record<keyof TreeCounts, unknown>>;
  return isCount(entries) && isCount(folders) && isCount(names) ? { entries, folders, names } : null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

function bytesOfColumn(column: Column): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 7);
}
