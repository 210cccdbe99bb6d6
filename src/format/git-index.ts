import { brokenIndex as broken } from './git-index-error.ts';
import { readIndexLink } from './git-index-link.ts';
import type { SharedIndexLink } from './git-index-link.ts';
import { IndexPathsBuilder, compareRows } from './git-index-paths.ts';
import type { IndexPaths } from './git-index-paths.ts';

export interface ParsedGitIndex {
  readonly paths: IndexPaths;
  readonly link: SharedIndexLink | null;
}

/**
 * Parses a git index, versions 2, 3 and 4, with or without its trailing checksum. `hashBytes` is 20 (SHA-1) or 32.
 * @throws {HoldfastError} `object_corrupt` when it is malformed, unsorted, or needs an extension that is not known
 */
export function parseGitIndex(bytes: Uint8Array, hashBytes: 20 | 32): ParsedGitIndex {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 + hashBytes || view.getUint32(0) !== signature) throw broken('it does not start as one');
  const formatVersion = view.getUint32(4);
  if (formatVersion < 2 || formatVersion > 4) throw broken(`it has version ${formatVersion}`);
  const count = view.getUint32(8);
  // The smallest entry is its fixed part and one byte of name: a larger count is a lie that would cost memory.
  if (count > bytes.length / (fixedBytes(hashBytes) + 1)) throw broken('it counts more entries than it can hold');
  const walk = { bytes, view, hashBytes, count, end: bytes.length - hashBytes };
  const { paths, next } = formatVersion === 4 ? readCompressed(walk) : readPlain(walk);
  const link = readExtensions(walk, next);
  // Entries of a split index that replace shared ones have lost their names and come first.
  assertSorted(paths);
  return { paths, link };
}

const signature = 0x44495243; // "DIRC"
const linkExtension = 0x6c696e6b; // "link"
const sparseExtension = 0x73646972; // "sdir"
const modeAt = 24;
const submoduleMode = 0o160000;
const extendedFlag = 0x4000;
const nameLengthMask = 0xfff;

interface Walk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly hashBytes: number;
  readonly count: number;
  /** Where the trailing checksum begins. */
  readonly end: number;
}

function fixedBytes(hashBytes: number): number {
  return 40 + hashBytes + 2;
}

function readPlain({ bytes, view, hashBytes, count, end }: Walk): { paths: IndexPaths; next: number } {
  const paths = emptyPaths(bytes, count);
  const fixed = fixedBytes(hashBytes);
  let at = 12;
  for (let row = 0; row < count; row++) {
    if (at + fixed > end) throw broken('it ends within an entry');
    const flags = view.getUint16(at + fixed - 2);
    const nameAt = at + fixed + ((flags & extendedFlag) === 0 ? 0 : 2);
    const length = flags & nameLengthMask;
    const nameEnd = length < nameLengthMask ? nameAt + length : bytes.indexOf(0, nameAt + nameLengthMask);
    if (nameEnd < nameAt || nameEnd >= end || bytes[nameEnd] !== 0) throw broken('a name is cut');
    paths.starts[row] = nameAt;
    paths.ends[row] = nameEnd;
    paths.submodule[row] = view.getUint32(at + modeAt) === submoduleMode ? 1 : 0;
    // One to eight zero bytes bring every entry to a multiple of eight.
    at += (nameEnd - at + 8) & ~7;
  }
  return { paths, next: at };
}

/** Version 4: a name says how many bytes to drop from the end of the one before, and what to put there. */
function readCompressed({ bytes, view, hashBytes, count, end }: Walk): { paths: IndexPaths; next: number } {
  const builder = new IndexPathsBuilder(count, bytes.length * 2);
  const fixed = fixedBytes(hashBytes);
  let previous: Uint8Array = new Uint8Array(0);
  let at = 12;
  for (let row = 0; row < count; row++) {
    if (at + fixed > end) throw broken('it ends within an entry');
    const flags = view.getUint16(at + fixed - 2);
    const drop = readOffset(bytes, at + fixed + ((flags & extendedFlag) === 0 ? 0 : 2));
    const nameEnd = bytes.indexOf(0, drop.next);
    const kept = previous.length - drop.value;
    const length = kept + nameEnd - drop.next;
    if (nameEnd < 0 || nameEnd >= end || kept < 0 || length > pathBytesMax) throw broken('a name is cut');
    const path = new Uint8Array(length);
    path.set(previous.subarray(0, kept));
    path.set(bytes.subarray(drop.next, nameEnd), kept);
    builder.add(path, view.getUint32(at + modeAt) === submoduleMode ? 1 : 0);
    previous = path;
    at = nameEnd + 1;
  }
  return { paths: builder.paths(), next: at };
}

const pathBytesMax = 65_536;

/** Git's offset encoding: seven bits a byte, high first, each continuation adding one. */
function readOffset(bytes: Uint8Array, at: number): { value: number; next: number } {
  let byte = bytes[at++] ?? 0;
  let value = byte & 0x7f;
  for (let read = 1; (byte & 0x80) !== 0; read++) {
    if (read > 4) throw broken('a name is cut');
    byte = bytes[at++] ?? 0;
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, next: at };
}

function readExtensions({ bytes, view, hashBytes, end }: Walk, start: number): SharedIndexLink | null {
  let link: SharedIndexLink | null = null;
  for (let at = start; at + 8 <= end;) {
    const name = view.getUint32(at);
    const size = view.getUint32(at + 4);
    const body = at + 8;
    if (body + size > end) throw broken('an extension is cut');
    if (name === linkExtension) link = readIndexLink(bytes.subarray(body, body + size), hashBytes);
    // A small first letter says: whoever does not know this cannot read the file rightly.
    else if (name !== sparseExtension && bytes[at]! >= 0x61) throw broken('it needs an extension that is not known');
    at = body + size;
  }
  return link;
}

function emptyPaths(bytes: Uint8Array, count: number): IndexPaths {
  return {
    bytes,
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
    submodule: new Uint8Array(count),
  };
}

function assertSorted(paths: IndexPaths): void {
  for (let row = 1; row < paths.starts.length; row++) {
    // Empty names belong to a split index; equal ones are the stages of a conflict.
    if (compareRows(paths, row - 1, paths, row) > 0 && paths.starts[row - 1] !== paths.ends[row - 1]) {
      throw broken('its entries are out of order');
    }
  }
}
