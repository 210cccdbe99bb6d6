import { byteStringOf, type ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import { pathComponentProblem } from '../model/path-policy.ts';
import { compareTreeEntries, fileModes, type TreeEntry } from '../model/tree.ts';
import { entryFlags, modeBits, type VaultTree } from '../model/vault-tree.ts';
import { objectCorrupt } from './git/corrupt.ts';
import { encodeTree } from './git/tree-codec.ts';

/*
 * The metadata tree mirrors the folders of a snapshot and holds what git trees cannot: times, full modes, empty folders.
 *
 * The node of a folder without subfolders is a blob of lines. The node of a folder with subfolders is a tree: the entry
 * `folder` (the blob of lines) and one entry `=<name>` for each subfolder (its node, a blob or a tree). The node of the
 * vault itself is always a tree, because a commit names it. One line for each file, link and folder:
 *
 *     <mode> <mtime> <kind> <name> LF
 *
 * mode   four octal digits, `st_mode & 07777`
 * mtime  seconds since the epoch, a point, six digits; '-' in front when the time is before 1970 ("-0.500000" is half a second before)
 * kind   f file, c file kept in chunks, l link, d folder (its own mode and time stand here, in its parent's lines)
 * name   the true name's bytes; backslash, bytes below 0x20 and 0x7f are written as backslash, zero and three octal digits,
 *        so that `printf %b` in a shell gives the name back
 *
 * Lines stand in the order of the snapshot's rows; readers must not depend on it. An empty folder is a `d` line and
 * an empty blob.
 */

/** What the metadata tree says of one entry of a folder. `mode` holds the permission bits alone. */
export interface MetadataLine {
  readonly mode: number;
  readonly mtimeMs: number;
  readonly kind: 'file' | 'chunked' | 'link' | 'folder';
  readonly name: ByteString;
}

/** Entry that holds the lines of a folder with subfolders. */
const linesEntry = 'folder';
const subfolderMark = '=';

// The range of a Date; times outside it are damage, and would not fit the line.
const mtimeMsMax = 8.64e15;
// Mode, seconds with sign and point, micros, kind, spaces and line feed.
const lineBytesMax = 4 + 1 + 15 + 6 + 1 + 1 + 1 + 1;

let scratch = Buffer.allocUnsafe(64 * 1024);

/**
 * Encodes the lines of one folder straight from the tree's columns; entries without an object are left out. The bytes
 * are valid until the next call.
 */
export function encodeMetadataLines(tree: VaultTree, folder: number): Uint8Array {
  const first = tree.folderEntryStarts[folder]!;
  const end = first + tree.folderEntryCounts[folder]!;
  let sizeBytesMax = 0;
  for (let row = first; row < end; row++) sizeBytesMax += lineBytesMax + 4 * tree.nameLengths[row]!;
  if (sizeBytesMax > scratch.length) scratch = Buffer.allocUnsafe(sizeBytesMax * 2);
  let at = 0;
  for (let row = first; row < end; row++) {
    if ((tree.flags[row]! & entryFlags.absent) === 0) at = writeLine(scratch, at, { tree, row });
  }
  return scratch.subarray(0, at);
}

/** Encodes the node of a folder with subfolders (or of the vault itself), in any order of `subfolders`. */
export function encodeMetadataTree(
  lines: ObjectId,
  subfolders: readonly { readonly name: ByteString; readonly id: ObjectId; readonly isLeaf: boolean }[],
): Uint8Array {
  const entries: TreeEntry[] = [{ name: linesEntry, mode: fileModes.file, id: lines }];
  for (const { name, id, isLeaf } of subfolders) {
    entries.push({ name: subfolderMark + name, mode: isLeaf ? fileModes.file : fileModes.tree, id });
  }
  return encodeTree(entries.sort(compareTreeEntries));
}

/**
 * Decodes the lines of a folder, in the order they stand in.
 * @throws {HoldfastError} `object_corrupt` for anything but the exact form, names no one may trust, and repeated names
 */
export function decodeMetadataLines(content: Uint8Array): MetadataLine[] {
  const text = byteStringOf(content);
  const lines: MetadataLine[] = [];
  const seen = new Set<ByteString>();
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    if (end < 0) throw objectCorrupt('The metadata of a folder ends in the middle of a line.');
    const line = decodeLine(text.slice(at, end));
    if (seen.has(line.name)) throw objectCorrupt('The metadata of a folder names an entry twice.');
    seen.add(line.name);
    lines.push(line);
    at = end + 1;
  }
  return lines;
}

/**
 * Splits the node of a folder with subfolders into its lines and its subfolders' nodes by name.
 * @throws {HoldfastError} `object_corrupt` when the tree holds anything else
 */
export function readMetadataTree(entries: readonly TreeEntry[]): {
  readonly lines: ObjectId;
  readonly subfolders: ReadonlyMap<ByteString, { readonly id: ObjectId; readonly isLeaf: boolean }>;
} {
  let lines: ObjectId | null = null;
  const subfolders = new Map<ByteString, { id: ObjectId; isLeaf: boolean }>();
  for (const { name, mode, id } of entries) {
    const subfolder = name.slice(subfolderMark.length);
    const isLeaf = mode === fileModes.file;
    if (name === linesEntry && isLeaf) {
      lines = id;
    } else if (name.startsWith(subfolderMark) && isPlainName(subfolder) && (isLeaf || mode === fileModes.tree)) {
      subfolders.set(subfolder, { id, isLeaf });
    } else {
      throw objectCorrupt('A metadata tree holds an entry that does not belong there.');
    }
  }
  if (lines === null) throw objectCorrupt('A metadata tree lacks its own lines.');
  return { lines, subfolders };
}

const kindOfLetter = { f: 'file', c: 'chunked', l: 'link', d: 'folder' } as const;
const linePattern = /^([0-7]{4}) (-?)(0|[1-9]\d{0,12})\.(\d{6}) ([fcld]) ([^]+)$/;

function decodeLine(line: string): MetadataLine {
  const match = linePattern.exec(line);
  const name = match === null ? null : unescapeName(match[6]!);
  if (match === null || name === null) throw objectCorrupt('The metadata of a folder holds a malformed line.');
  const magnitudeMs = Number(match[3]) * 1000 + Number(match[4]) / 1000;
  const isNegative = match[2] === '-';
  if (magnitudeMs > mtimeMsMax || (isNegative && magnitudeMs === 0)) {
    throw objectCorrupt('The metadata of a folder holds an impossible time.');
  }
  return {
    mode: Number.parseInt(match[1]!, 8),
    mtimeMs: isNegative ? -magnitudeMs : magnitudeMs,
    kind: kindOfLetter[match[5] as keyof typeof kindOfLetter],
    name,
  };
}

/** Null unless the name is written in the one way it can be. */
function unescapeName(written: string): ByteString | null {
  if (/[\u0000-\u001f\u007f]|\\(?!0[01][0-7]{2})/.test(written)) return null;
  const name = written.replaceAll(/\\0([01][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return isPlainName(name) && escapeName(name) === written ? name : null;
}

function escapeName(name: ByteString): string {
  return name.replaceAll(/[\u0000-\u001f\u007f\\]/g, (c) => `\\0${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function isPlainName(name: ByteString): boolean {
  return pathComponentProblem(name) === null;
}

function writeLine(out: Uint8Array, start: number, entry: { tree: VaultTree; row: number }): number {
  const { tree, row } = entry;
  const mode = tree.modes[row]!;
  let at = start;
  for (let shift = 9; shift >= 0; shift -= 3) out[at++] = 0x30 + ((mode >>> shift) & 7);
  out[at++] = 0x20;
  at = writeTime(out, at, tree.mtimes[row]!);
  out[at++] = 0x20;
  out[at++] = letterOf(mode, tree.flags[row]!);
  out[at++] = 0x20;
  const nameStart = tree.nameStarts[row]!;
  const nameEnd = nameStart + tree.nameLengths[row]!;
  for (let i = nameStart; i < nameEnd; i++) {
    const byte = tree.names[i]!;
    if (byte >= 0x20 && byte !== 0x7f && byte !== 0x5c) {
      out[at++] = byte;
    } else {
      out[at++] = 0x5c;
      out[at++] = 0x30;
      at = writeDigits(out, at, { value: byte, base: 8, count: 3 });
    }
  }
  out[at++] = 0x0a;
  return at;
}

function letterOf(mode: number, flags: number): number {
  const kind = mode & modeBits.kindMask;
  if (kind === modeBits.folder) return 0x64;
  if (kind === modeBits.link) return 0x6c;
  return (flags & entryFlags.chunked) === 0 ? 0x66 : 0x63;
}

/**
 * Rounds to the nearest microsecond: a double of milliseconds is that exact, and a time that was written back reads
 * as the same line again.
 */
function writeTime(out: Uint8Array, start: number, mtimeMs: number): number {
  const magnitudeMs = Number.isNaN(mtimeMs) ? 0 : Math.min(Math.abs(mtimeMs), mtimeMsMax);
  let seconds = Math.floor(magnitudeMs / 1000);
  let micros = Math.round((magnitudeMs - seconds * 1000) * 1000);
  if (micros >= 1_000_000) {
    seconds += 1;
    micros -= 1_000_000;
  }
  let at = start;
  if (mtimeMs < 0 && seconds + micros > 0) out[at++] = 0x2d;
  let count = 1;
  for (let bound = 10; seconds >= bound; bound *= 10) count++;
  at = writeDigits(out, at, { value: seconds, base: 10, count });
  out[at++] = 0x2e;
  return writeDigits(out, at, { value: micros, base: 10, count: 6 });
}

function writeDigits(out: Uint8Array, start: number, number: { value: number; base: number; count: number }): number {
  let rest = number.value;
  for (let i = start + number.count - 1; i >= start; i--) {
    const next = Math.floor(rest / number.base);
    out[i] = 0x30 + (rest - next * number.base);
    rest = next;
  }
  return start + number.count;
}
