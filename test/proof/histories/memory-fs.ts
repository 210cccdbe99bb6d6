/*
 * What the product's modules get instead of `node:fs` inside the simulator (see simulate-fs.ts): the synchronous calls that they
 * use, on the disks of simulated machines. The first name of a path says which machine's disk it is on.
 */
import { constants, type Stats } from 'node:fs';
import type { ByteString } from '../../../src/lib/bytes.ts';
import { bytePath, codeOf, type DiskNode, MemoryDisk, systemError } from './memory-disk.ts';

export { constants };
export type { Stats };

type Path = string | Buffer;
interface NoThrow {
  readonly throwIfNoEntry?: boolean;
  readonly bigint?: boolean;
}

const disks = new Map<ByteString, MemoryDisk>();
const fdOwners = new Map<number, MemoryDisk>();
let lastFd = 100;

/** A new, empty disk; its paths begin with `/<name>`. */
export function createDisk(name: string, now: () => number): MemoryDisk {
  const disk: MemoryDisk = new MemoryDisk({
    now,
    nextFd: () => {
      fdOwners.set(++lastFd, disk);
      return lastFd;
    },
  });
  disk.makeFolder(`/${name}`, 0o755);
  disk.settle(`/${name}`);
  disks.set(name, disk);
  return disk;
}

/** Forgets all machines. */
export function clearDisks(): void {
  disks.clear();
  fdOwners.clear();
  lastFd = 100;
}

function diskOf(path: ByteString): MemoryDisk {
  const [, first = '', ...rest] = path.split('/');
  const disk = first === 'proc' ? fdOwners.get(Number(rest[2])) : disks.get(first);
  if (disk === undefined) throw systemError('ENOENT', path);
  return disk;
}

function ownerOf(fd: number): MemoryDisk {
  const disk = fdOwners.get(fd);
  if (disk === undefined) throw systemError('EBADF', String(fd));
  return disk;
}

function at<T>(path: Path, use: (disk: MemoryDisk, path: ByteString) => T): T {
  const bytes = bytePath(path);
  const disk = diskOf(bytes);
  disk.assertAlive();
  return use(disk, bytes);
}

// Looking.

const user = process.getuid?.() ?? 0;

class MemoryStats {
  readonly dev = 1;
  readonly uid = user;
  readonly gid = 0;
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly #kind: DiskNode['kind'];

  constructor(node: DiskNode) {
    this.#kind = node.kind;
    this.ino = node.ino;
    this.mode = node.mode;
    this.nlink = node.links;
    this.size = node.kind === 'file' ? node.bytes.length : node.kind === 'link' ? node.target.length : 4096;
    this.mtimeMs = node.mtimeMs;
    this.ctimeMs = node.ctimeMs;
  }

  get birthtimeMs(): number {
    return this.ctimeMs;
  }

  get mtime(): Date {
    return new Date(this.mtimeMs);
  }

  isFile(): boolean {
    return this.#kind === 'file';
  }

  isDirectory(): boolean {
    return this.#kind === 'folder';
  }

  isSymbolicLink(): boolean {
    return this.#kind === 'link';
  }
}

function statsOf(node: DiskNode, options?: NoThrow): unknown {
  const stats = new MemoryStats(node);
  if (options?.bigint !== true) return stats;
  const { dev, uid, gid, ino, mode, nlink, size, mtimeMs, ctimeMs } = stats;
  const numbers = Object.entries({ dev, uid, gid, ino, mode, nlink, size }).map(([key, value]) => [key, BigInt(value)]);
  const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;
  return Object.assign(Object.fromEntries(numbers), {
    mtimeNs: nanoseconds(mtimeMs),
    ctimeNs: nanoseconds(ctimeMs),
    mtimeMs: nanoseconds(mtimeMs) / 1_000_000n,
    ctimeMs: nanoseconds(ctimeMs) / 1_000_000n,
    isFile: () => stats.isFile(),
    isDirectory: () => stats.isDirectory(),
    isSymbolicLink: () => stats.isSymbolicLink(),
  });
}

function stat(path: Path, options: NoThrow | undefined, follow: boolean): unknown {
  try {
    return at(path, (disk, bytes) => {
      const { node } = disk.walk(bytes, follow);
      if (node === null && options?.throwIfNoEntry === false) return undefined;
      return statsOf(node ?? disk.need(bytes, follow), options);
    });
  } catch (error) {
    const isMissing = codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
    if (isMissing && options?.throwIfNoEntry === false) return undefined;
    throw error;
  }
}

export function lstatSync(path: Path, options?: NoThrow): unknown {
  return stat(path, options, false);
}

export function statSync(path: Path, options?: NoThrow): unknown {
  return stat(path, options, true);
}

export function fstatSync(fd: number, options?: NoThrow): unknown {
  return statsOf(ownerOf(fd).file(fd).node, options);
}

export function existsSync(path: Path): boolean {
  if (path === '/proc/self/fd') return true;
  try {
    return stat(path, { throwIfNoEntry: false }, true) !== undefined;
  } catch {
    return false;
  }
}

export function statfsSync(path: Path): { bavail: number; bsize: number } {
  stat(path, undefined, true);
  return { bavail: 1_000_000, bsize: 4096 };
}

export function realpathSync(path: Path): string {
  return at(path, (disk, bytes) => {
    const { folder, name, node } = disk.walk(bytes, true);
    if (node === null) throw systemError('ENOENT', bytes);
    const real = node.kind === 'folder' ? disk.pathOf(node) : `${disk.pathOf(folder)}/${name}`;
    return Buffer.from(real, 'latin1').toString('utf8');
  });
}

export function readlinkSync(path: Path, encoding?: 'latin1' | 'buffer' | 'utf8'): string | Buffer {
  return at(path, (disk, bytes) => {
    const node = disk.need(bytes, false);
    if (node.kind !== 'link') throw systemError('EINVAL', bytes);
    return encoded(node.target, encoding);
  });
}

type Encoding = BufferEncoding | 'buffer' | undefined;

export function readdirSync(
  path: Path,
  options?: Encoding | { encoding?: Encoding; withFileTypes?: boolean },
): unknown[] {
  return at(path, (disk, bytes) => {
    const node = disk.need(bytes, true);
    if (node.kind !== 'folder') throw systemError('ENOTDIR', bytes);
    if ((node.mode & 0o400) === 0) throw systemError('EACCES', bytes);
    const { encoding, withFileTypes = false } = typeof options === 'object' ? options : { encoding: options };
    const names = [...node.entries.keys()];
    if (!withFileTypes) return names.map((name) => encoded(name, encoding));
    return names.map((name) => {
      const stats = new MemoryStats(node.entries.get(name)!);
      return Object.assign(stats, { name: encoded(name, encoding) });
    });
  });
}

export function opendirSync(path: Path, options: { encoding: BufferEncoding }): unknown {
  const entries = readdirSync(path, { ...options, withFileTypes: true });
  return { readSync: () => entries.shift() ?? null, closeSync: () => undefined };
}

function encoded(name: ByteString, encoding: Encoding): string | Buffer {
  const bytes = Buffer.from(name, 'latin1');
  if (encoding === 'buffer') return bytes;
  return encoding === 'latin1' ? name : bytes.toString('utf8');
}

// Reading and writing.

export function openSync(path: Path, flags: number | string = 'r', mode = 0o666): number {
  return at(path, (disk, bytes) => disk.open(bytes, flagsOf(flags), mode));
}

export function closeSync(fd: number): void {
  ownerOf(fd).close(fd);
}

export function readSync(fd: number, target: Uint8Array, ...rest: (number | null)[]): number {
  const [offset, length, position] = rest;
  const from = offset ?? 0;
  return ownerOf(fd).read(fd, target, {
    offset: from,
    length: length ?? target.length - from,
    position: position ?? null,
  });
}

export function writeSync(fd: number, data: Uint8Array | string, ...rest: (number | null)[]): number {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const [offset, length, position] = rest;
  const from = offset ?? 0;
  const piece = Uint8Array.from(bytes.subarray(from, from + (length ?? bytes.length - from)));
  return ownerOf(fd).write(fd, piece, position ?? null);
}

export function readFileSync(path: Path | number, options?: BufferEncoding | { encoding?: BufferEncoding }): unknown {
  const encoding = typeof options === 'string' ? options : options?.encoding;
  const read = (disk: MemoryDisk, fd: number): Buffer => {
    const { node, at: from } = disk.file(fd);
    if (node.kind !== 'file') throw systemError('EISDIR', String(path));
    return Buffer.from(node.bytes.subarray(from));
  };
  const content =
    typeof path === 'number'
      ? read(ownerOf(path), path)
      : at(path, (disk, bytes) => {
          const fd = disk.open(bytes, constants.O_RDONLY, 0);
          try {
            return read(disk, fd);
          } finally {
            disk.close(fd);
          }
        });
  return encoding === undefined ? content : content.toString(encoding);
}

export function writeFileSync(
  path: Path,
  data: Uint8Array | string,
  options: { flag?: string; mode?: number } = {},
): void {
  const fd = openSync(path, options.flag ?? 'w', options.mode);
  try {
    writeSync(fd, data);
  } finally {
    closeSync(fd);
  }
}

export function fsyncSync(fd: number): void {
  ownerOf(fd).sync(fd);
}

// Names and attributes.

export function mkdirSync(
  path: Path,
  options: number | { recursive?: boolean; mode?: number } = {},
): string | undefined {
  const recursive = typeof options === 'number' ? false : (options.recursive ?? false);
  const mode = typeof options === 'number' ? options : (options.mode ?? 0o777);
  return at(path, (disk, bytes) => {
    if (!recursive) {
      disk.makeFolder(bytes, mode);
      return undefined;
    }
    let made: string | undefined;
    const parts = bytes.split('/').filter((part) => part !== '');
    for (let i = 1; i <= parts.length; i++) {
      const prefix = `/${parts.slice(0, i).join('/')}`;
      const node = disk.find(prefix, { follow: true });
      if (node?.kind === 'folder') continue;
      disk.makeFolder(prefix, mode);
      made ??= prefix;
    }
    return made;
  });
}

export function symlinkSync(target: Path, path: Path): void {
  at(path, (disk, bytes) => disk.makeLink(bytePath(target), bytes));
}

export function linkSync(from: Path, to: Path): void {
  at(to, (disk, bytes) => disk.hardLink(bytePath(from), bytes));
}

export function copyFileSync(from: Path, to: Path): void {
  writeFileSync(to, readFileSync(from) as Buffer);
}

export function unlinkSync(path: Path): void {
  at(path, (disk, bytes) => disk.unlink(bytes));
}

export function rmdirSync(path: Path): void {
  at(path, (disk, bytes) => disk.removeFolder(bytes));
}

export function rmSync(path: Path, options: { recursive?: boolean; force?: boolean } = {}): void {
  at(path, (disk, bytes) => {
    const node = disk.find(bytes, { follow: false });
    if (node === null && options.force === true) return;
    if (node?.kind !== 'folder') return disk.unlink(bytes);
    if (options.recursive !== true) throw systemError('EISDIR', bytes);
    for (const name of node.entries.keys()) rmSync(Buffer.from(`${bytes}/${name}`, 'latin1'), options);
    disk.removeFolder(bytes);
  });
}

export function renameSync(from: Path, to: Path): void {
  at(from, (disk, bytes) => {
    if (diskOf(bytePath(to)) !== disk) throw systemError('EXDEV', bytePath(to));
    disk.rename(bytes, bytePath(to));
  });
}

export function chmodSync(path: Path, mode: number): void {
  setAttributes(path, { mode }, true);
}

export function fchmodSync(fd: number, mode: number): void {
  const disk = ownerOf(fd);
  disk.setAttributes(disk.file(fd).node, null, { mode });
}

type Time = number | Date;

export function futimesSync(fd: number, _: Time, mtime: Time): void {
  const disk = ownerOf(fd);
  disk.setAttributes(disk.file(fd).node, null, { mtimeMs: milliseconds(mtime) });
}

export function utimesSync(path: Path, _: Time, mtime: Time): void {
  setAttributes(path, { mtimeMs: milliseconds(mtime) }, true);
}

export function lutimesSync(path: Path, _: Time, mtime: Time): void {
  setAttributes(path, { mtimeMs: milliseconds(mtime) }, false);
}

function setAttributes(path: Path, attributes: { mode?: number; mtimeMs?: number }, follow: boolean): void {
  at(path, (disk, bytes) => {
    const { folder, name, node } = disk.walk(bytes, follow);
    disk.setAttributes(node ?? disk.need(bytes, follow), `${disk.pathOf(folder)}/${name}`, attributes);
  });
}

export function ftruncateSync(fd: number, length = 0): void {
  const disk = ownerOf(fd);
  const { node } = disk.file(fd);
  if (node.kind !== 'file') throw systemError('EINVAL', String(fd));
  const kept = Buffer.alloc(length);
  kept.set(node.bytes.subarray(0, length));
  disk.change(null, () => {
    node.bytes = kept;
  });
}

/** Only what large files of a repository need; no simulated machine has any. */
export function createReadStream(): never {
  throw new Error('not simulated');
}

export { createReadStream as fsync, createReadStream as mkdtempSync, createReadStream as read };
export { createReadStream as write, createReadStream as fdatasyncSync, createReadStream as watch };

function milliseconds(time: Time): number {
  // The system keeps nanoseconds; microseconds are what is compared.
  return typeof time === 'number' ? Math.round(time * 1e6) / 1000 : time.getTime();
}

function flagsOf(flags: number | string): number {
  if (typeof flags === 'number') return flags;
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND } = constants;
  const known: Record<string, number> = {
    r: O_RDONLY,
    'r+': O_RDWR,
    w: O_WRONLY | O_CREAT | O_TRUNC,
    wx: O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
    a: O_WRONLY | O_CREAT | O_APPEND,
    'a+': O_RDWR | O_CREAT | O_APPEND,
  };
  const found = known[flags];
  if (found === undefined) throw systemError('EINVAL', flags);
  return found;
}
