import { closeSync, constants, openSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { sha256Of } from '../../format/digest.ts';
import type { Sha256 } from '../../model/ids.ts';
import { writeFileDurably } from '../fs/durable-write.ts';
import { systemCode } from '../fs/map-fs-error.ts';

/** Where a record lies in the file. */
interface Place {
  readonly start: number;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

/** What the file held when it had this stamp. */
interface Contents<Key extends string> {
  stamp: string;
  readonly places: Map<Key, Place>;
  sizeBytes: number;
  readonly isDamaged: boolean;
}

type Records<Key extends string> = ReadonlyMap<Key, Uint8Array>;

const entryHeader = /^([^ \n]{1,200}) (\d{1,9}) ([0-9a-f]{64})\n/;
const entryHeaderBytesMax = 280;
const garbageBytesMin = 1024 * 1024;

/**
 * Many records in one file, so that reading a thousand is one read: entries `<id> <size> <sha256>\n<bytes>\n`, later
 * ones count. Adding appends. A damaged entry ends what is believed, and the next addition writes the rest anew: nothing
 * is lost by that but a download. Not synced, for the same reason.
 */
export class RecordFile<Key extends string> {
  readonly #path: string;
  readonly #isKey: (text: string) => text is Key;
  #known: Contents<Key> | null = null;

  /** `isKey` tells names an entry may have; they are 1 to 200 characters without a space. */
  constructor(path: string, isKey: (text: string) => text is Key) {
    this.#path = path;
    this.#isKey = isKey;
  }

  read(id: Key): Uint8Array | null {
    const place = this.#contents().places.get(id);
    if (place === undefined) return null;
    const bytes = readAt(this.#path, place);
    return sha256Of(bytes) === place.sha256 ? bytes : null;
  }

  /** The bytes are views of one buffer, which nothing else holds. */
  readAll(): Records<Key> {
    const { contents, records } = readContents(this.#path, this.#isKey);
    this.#known = contents;
    return records;
  }

  add(added: Records<Key>): void {
    const known = this.#contents();
    const fresh = new Map([...added].filter(([id, bytes]) => known.places.get(id)?.sha256 !== sha256Of(bytes)));
    if (fresh.size === 0) return;
    if (known.isDamaged || isWasteful(known)) this.#rewrite(fresh);
    else this.#append(fresh, known);
  }

  #append(fresh: Records<Key>, known: Contents<Key>): void {
    const entries = encodeEntries(fresh, known.sizeBytes);
    append(this.#path, entries.bytes);
    const sizeBytes = known.sizeBytes + entries.bytes.length;
    const stamp = stampOf(this.#path);
    // Another process added at the same moment, or the disk took only a part: look again next time.
    if (stamp.sizeBytes !== sizeBytes) {
      this.#known = null;
      return;
    }
    for (const [id, place] of entries.places) known.places.set(id, place);
    known.sizeBytes = sizeBytes;
    known.stamp = stamp.text;
  }

  #rewrite(fresh: Records<Key>): void {
    writeFileDurably(this.#path, encodeEntries(new Map([...this.readAll(), ...fresh]), 0).bytes);
    this.#known = null;
  }

  #contents(): Contents<Key> {
    if (this.#known?.stamp !== stampOf(this.#path).text) this.#known = readContents(this.#path, this.#isKey).contents;
    return this.#known;
  }
}

function readContents<Key extends string>(
  path: string,
  isKey: (text: string) => text is Key,
): { contents: Contents<Key>; records: Map<Key, Uint8Array> } {
  // Before the bytes: a write in between makes the stamp old, never the bytes.
  const stamp = stampOf(path).text;
  const file = readIfThere(path);
  const places = new Map<Key, Place>();
  const records = new Map<Key, Uint8Array>();
  let at = 0;
  while (at < file.length) {
    const match = entryHeader.exec(file.toString('latin1', at, at + entryHeaderBytesMax));
    const [header, id, size, sha256] = match ?? [];
    if (header === undefined || id === undefined || !isKey(id)) break;
    const start = at + header.length;
    const sizeBytes = Number(size);
    const bytes = file.subarray(start, start + sizeBytes);
    if (start + sizeBytes >= file.length || sha256Of(bytes) !== sha256) break;
    records.set(id, bytes);
    places.set(id, { start, sizeBytes, sha256: sha256 as Sha256 });
    at = start + sizeBytes + 1;
  }
  return { contents: { stamp, places, sizeBytes: file.length, isDamaged: at !== file.length }, records };
}

function isWasteful(contents: Contents<string>): boolean {
  if (contents.sizeBytes < garbageBytesMin) return false;
  let usedBytes = 0;
  for (const place of contents.places.values()) usedBytes += place.sizeBytes + entryHeaderBytesMax;
  return contents.sizeBytes > 2 * usedBytes;
}

function encodeEntries<Key extends string>(
  records: Records<Key>,
  start: number,
): { bytes: Buffer; places: Map<Key, Place> } {
  const parts: Uint8Array[] = [];
  const places = new Map<Key, Place>();
  let at = start;
  for (const [id, bytes] of records) {
    const sha256 = sha256Of(bytes);
    const header = Buffer.from(`${id} ${bytes.length} ${sha256}\n`, 'latin1');
    places.set(id, { start: at + header.length, sizeBytes: bytes.length, sha256 });
    parts.push(header, bytes, Buffer.from('\n'));
    at += header.length + bytes.length + 1;
  }
  return { bytes: Buffer.concat(parts), places };
}

function append(path: string, bytes: Uint8Array): void {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  try {
    writeSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

function readAt(path: string, place: Place): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(place.sizeBytes);
    readSync(fd, bytes, 0, bytes.length, place.start);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function stampOf(path: string): { text: string; sizeBytes: number } {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return { text: '', sizeBytes: 0 };
  return { text: `${stat.ino} ${stat.size} ${stat.mtimeNs}`, sizeBytes: Number(stat.size) };
}
