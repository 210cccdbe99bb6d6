import { constants } from 'node:fs';
import { byteStringOf, byteStringOfText, type ByteString } from '../../../src/lib/bytes.ts';

/** What the system answers when a call fails. */
export type SystemCode =
  | 'EACCES'
  | 'EBADF'
  | 'EEXIST'
  | 'EINVAL'
  | 'EIO'
  | 'EISDIR'
  | 'ELOOP'
  | 'EMFILE'
  | 'ENAMETOOLONG'
  | 'ENOENT'
  | 'ENOSPC'
  | 'ENOTDIR'
  | 'ENOTEMPTY'
  | 'EROFS'
  | 'EXDEV';

/** Thrown at whatever a machine does once it has been killed: no code of the product may make sense of it. */
export class MachineDied extends Error {
  override readonly name = 'MachineDied';
}

interface NodeBase {
  readonly ino: number;
  mode: number;
  mtimeMs: number;
  ctimeMs: number;
  links: number;
}

export interface FileNode extends NodeBase {
  readonly kind: 'file';
  bytes: Uint8Array;
  /** What a power cut leaves of it. */
  durable: Uint8Array;
}

export interface FolderNode extends NodeBase {
  readonly kind: 'folder';
  entries: Map<ByteString, DiskNode>;
  /** The names a power cut leaves. */
  durable: ReadonlyMap<ByteString, DiskNode>;
  parent: FolderNode | null;
  name: ByteString;
}

export interface LinkNode extends NodeBase {
  readonly kind: 'link';
  readonly target: ByteString;
}

export type DiskNode = FileNode | FolderNode | LinkNode;

interface OpenFile {
  readonly node: FileNode | FolderNode;
  readonly flags: number;
  at: number;
}

/** What happens to the calls of one machine that change its disk; they are counted from 1. */
export interface DiskFault {
  readonly call: number;
  /** 'kill' ends the process there; a code makes the call fail. */
  readonly what: 'kill' | SystemCode;
  /** The call takes effect before the process is killed. */
  readonly isAfter?: boolean;
  /** Every later call fails the same way. */
  readonly isForEver?: boolean;
}

const umask = 0o022;
const linksFollowedMax = 40;
const nameBytesMax = 255;

/**
 * The disk of one simulated machine: names are bytes, links are followed as Linux does, permissions bind an ordinary user,
 * times come from the machine's own clock. It counts the calls that change something, fails or kills at the one it is
 * told to, forgets at a power cut what was never synced, and remembers every path written to.
 */
export class MemoryDisk {
  readonly root: FolderNode;
  /** Paths that calls changed since the last look, as the product named them. */
  readonly touched = new Set<ByteString>();
  changes = 0;
  fault: DiskFault | null = null;
  isDead = false;
  readonly #now: () => number;
  readonly #open = new Map<number, OpenFile>();
  #nextIno = 2;
  #nextFd: () => number;

  constructor(options: { now: () => number; nextFd: () => number }) {
    this.#now = options.now;
    this.#nextFd = options.nextFd;
    this.root = this.#newFolder(0o755, null, '');
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** The process is gone: its descriptors are closed, and the next one finds the disk as it is. */
  restart(): void {
    this.#open.clear();
    this.isDead = false;
    this.fault = null;
    this.changes = 0;
  }

  /** Everything that was not synced is as it was before. */
  cutPower(): void {
    const revert = (folder: FolderNode): void => {
      folder.entries = new Map(folder.durable);
      for (const [name, node] of folder.entries) {
        if (node.kind === 'folder') {
          node.parent = folder;
          node.name = name;
          revert(node);
        } else if (node.kind === 'file') node.bytes = node.durable;
      }
    };
    revert(this.root);
  }

  /** Makes everything below a folder survive a power cut: what the person did to their files is long on the disk. */
  settle(path: ByteString): void {
    const settleNode = (node: DiskNode): void => {
      if (node.kind === 'file') node.durable = node.bytes;
      if (node.kind !== 'folder') return;
      node.durable = new Map(node.entries);
      for (const child of node.entries.values()) settleNode(child);
    };
    const node = this.find(path, { follow: false });
    for (let above = node?.kind === 'folder' ? node.parent : null; above !== null; above = above.parent) {
      above.durable = new Map(above.entries);
    }
    if (node !== null) settleNode(node);
  }

  /** The file a power cut would leave at a path; null when its name was never synced. */
  survivor(path: ByteString): FileNode | null {
    let node: DiskNode = this.root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const next: DiskNode | undefined = node.kind === 'folder' ? node.durable.get(name) : undefined;
      if (next === undefined) return null;
      node = next;
    }
    return node.kind === 'file' ? node : null;
  }

  // Looking.

  /** Null where there is nothing; every other failure is thrown. */
  find(path: ByteString, options: { follow: boolean }): DiskNode | null {
    try {
      return this.walk(path, options.follow).node;
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
      throw error;
    }
  }

  /** The folder a path leads to, the last name in it, and what is there. */
  walk(path: ByteString, follow: boolean, depth = 0): { folder: FolderNode; name: ByteString; node: DiskNode | null } {
    if (depth > linksFollowedMax) throw systemError('ELOOP', path);
    let folder = this.root;
    const parts = path.split('/').filter((part) => part !== '');
    if (parts[0] === 'proc' && parts[1] === 'self' && parts[2] === 'fd' && parts.length > 3) {
      const { node } = this.file(Number(parts[3]));
      if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
      folder = node;
      parts.splice(0, 4);
    }
    for (let i = 0; i < parts.length; i++) {
      const name = parts[i]!;
      const isLast = i === parts.length - 1;
      if (name.length > nameBytesMax) throw systemError('ENAMETOOLONG', path);
      if ((folder.mode & 0o100) === 0) throw systemError('EACCES', path);
      let node: DiskNode | null = folder.entries.get(name) ?? null;
      if (name === '.') node = folder;
      if (name === '..') node = folder.parent ?? folder;
      if (node?.kind === 'link' && (!isLast || follow)) {
        const rest = parts.slice(i + 1).join('/');
        const base = node.target.startsWith('/') ? node.target : `${this.pathOf(folder)}/${node.target}`;
        return this.walk(`${base}/${rest}`, follow, depth + 1);
      }
      if (isLast) return { folder, name, node };
      if (node === null) throw systemError('ENOENT', path);
      if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
      folder = node;
    }
    return { folder, name: '.', node: folder };
  }

  pathOf(folder: FolderNode): ByteString {
    return folder.parent === null ? '' : `${this.pathOf(folder.parent)}/${folder.name}`;
  }

  file(fd: number): OpenFile {
    this.assertAlive();
    const open = this.#open.get(fd);
    if (open === undefined) throw systemError('EBADF', String(fd));
    return open;
  }

  need(path: ByteString, follow: boolean): DiskNode {
    const { node } = this.walk(path, follow);
    if (node === null) throw systemError('ENOENT', path);
    return node;
  }

  assertAlive(): void {
    if (this.isDead) throw new MachineDied('this machine was killed');
  }

  // Descriptors.

  open(path: ByteString, flags: number, mode: number): number {
    this.assertAlive();
    const follow = (flags & constants.O_NOFOLLOW) === 0 && (flags & constants.O_EXCL) === 0;
    const found = this.walk(path, follow);
    let { node } = found;
    const isWriting = (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
    if (node !== null && (flags & constants.O_CREAT) !== 0 && (flags & constants.O_EXCL) !== 0) {
      throw systemError('EEXIST', path);
    }
    if (node?.kind === 'link') throw systemError((flags & constants.O_DIRECTORY) === 0 ? 'ELOOP' : 'ENOTDIR', path);
    if (node === null) {
      if ((flags & constants.O_CREAT) === 0) throw systemError('ENOENT', path);
      node = this.change(found, () => this.#link(found, this.#newFile(mode & ~umask)) as FileNode);
    } else {
      if (node.kind === 'folder' && isWriting) throw systemError('EISDIR', path);
      if (node.kind !== 'folder' && (flags & constants.O_DIRECTORY) !== 0) throw systemError('ENOTDIR', path);
      if ((node.mode & (isWriting ? 0o200 : 0o400)) === 0) throw systemError('EACCES', path);
      if (node.kind === 'file' && (flags & constants.O_TRUNC) !== 0 && node.bytes.length > 0) {
        const file = node;
        this.change(found, () => this.#setBytes(file, new Uint8Array()));
      }
    }
    const fd = this.#nextFd();
    this.#open.set(fd, { node, flags, at: 0 });
    return fd;
  }

  close(fd: number): void {
    this.file(fd);
    this.#open.delete(fd);
  }

  read(fd: number, target: Uint8Array, options: { offset: number; length: number; position: number | null }): number {
    const open = this.file(fd);
    if (open.node.kind !== 'file') throw systemError('EISDIR', String(fd));
    const from = options.position ?? open.at;
    const piece = open.node.bytes.subarray(from, from + options.length);
    target.set(piece, options.offset);
    if (options.position === null) open.at += piece.length;
    return piece.length;
  }

  write(fd: number, bytes: Uint8Array, position: number | null): number {
    const open = this.file(fd);
    const { node } = open;
    if (node.kind !== 'file' || (open.flags & (constants.O_WRONLY | constants.O_RDWR)) === 0) {
      throw systemError('EBADF', String(fd));
    }
    const isAppending = (open.flags & constants.O_APPEND) !== 0;
    const from = isAppending ? node.bytes.length : (position ?? open.at);
    this.change(null, () => {
      const grown = Buffer.alloc(Math.max(node.bytes.length, from + bytes.length));
      grown.set(node.bytes);
      grown.set(bytes, from);
      this.#setBytes(node, grown);
    });
    if (position === null) open.at = from + bytes.length;
    return bytes.length;
  }

  sync(fd: number): void {
    const { node } = this.file(fd);
    this.change(null, () => {
      if (node.kind === 'file') node.durable = node.bytes;
      else node.durable = new Map(node.entries);
    });
  }

  // Names.

  makeFolder(path: ByteString, mode: number): void {
    this.assertAlive();
    const found = this.walk(path, false);
    if (found.node !== null) throw systemError('EEXIST', path);
    this.change(found, () => this.#link(found, this.#newFolder(mode & ~umask, found.folder, found.name)));
  }

  makeLink(target: ByteString, path: ByteString): void {
    this.assertAlive();
    const found = this.walk(path, false);
    if (found.node !== null) throw systemError('EEXIST', path);
    this.change(found, () => this.#link(found, { kind: 'link', target, ...this.#common(0o120777) }));
  }

  hardLink(from: ByteString, path: ByteString): void {
    this.assertAlive();
    const node = this.need(from, false);
    const found = this.walk(path, false);
    if (found.node !== null) throw systemError('EEXIST', path);
    if (node.kind === 'folder') throw systemError('EACCES', path);
    this.change(found, () => {
      node.links++;
      this.#link(found, node);
    });
  }

  unlink(path: ByteString): void {
    this.assertAlive();
    const found = this.walk(path, false);
    if (found.node === null) throw systemError('ENOENT', path);
    if (found.node.kind === 'folder') throw systemError('EISDIR', path);
    this.change(found, () => this.#unlinkName(found));
  }

  removeFolder(path: ByteString): void {
    this.assertAlive();
    const found = this.walk(path, false);
    if (found.node === null) throw systemError('ENOENT', path);
    if (found.node.kind !== 'folder') throw systemError('ENOTDIR', path);
    if (found.node.entries.size > 0) throw systemError('ENOTEMPTY', path);
    this.change(found, () => this.#unlinkName(found));
  }

  rename(from: ByteString, to: ByteString): void {
    this.assertAlive();
    const source = this.walk(from, false);
    const target = this.walk(to, false);
    if (source.node === null) throw systemError('ENOENT', from);
    if (source.node === target.node) return;
    if (target.node?.kind === 'folder') {
      if (source.node.kind !== 'folder') throw systemError('EISDIR', to);
      if (target.node.entries.size > 0) throw systemError('ENOTEMPTY', to);
    } else if (target.node !== null && source.node.kind === 'folder') throw systemError('ENOTDIR', to);
    for (let above: FolderNode | null = target.folder; above !== null; above = above.parent) {
      if (above === source.node) throw systemError('EINVAL', to);
    }
    const moved = source.node;
    this.change(target, () => {
      this.touched.add(`${this.pathOf(source.folder)}/${source.name}`);
      source.folder.entries.delete(source.name);
      this.#stamp(source.folder);
      this.#link(target, moved);
      moved.ctimeMs = this.#now();
      if (moved.kind !== 'folder') return;
      moved.parent = target.folder;
      moved.name = target.name;
    });
  }

  /** Changes what is known about a node: its mode or its time. */
  setAttributes(node: DiskNode, path: ByteString | null, attributes: { mode?: number; mtimeMs?: number }): void {
    this.assertAlive();
    this.change(null, () => {
      if (path !== null) this.touched.add(path);
      if (attributes.mode !== undefined) node.mode = (node.mode & 0o170000) | (attributes.mode & 0o7777);
      if (attributes.mtimeMs !== undefined) node.mtimeMs = attributes.mtimeMs;
      node.ctimeMs = this.#now();
    });
  }

  /** Does one thing that changes the disk, unless the machine is to fail or die there. */
  change<T>(place: { folder: FolderNode; name: ByteString } | null, effect: () => T): T {
    this.assertAlive();
    if (place !== null) {
      if ((place.folder.mode & 0o200) === 0) throw systemError('EACCES', place.name);
      this.touched.add(`${this.pathOf(place.folder)}/${place.name}`);
    }
    this.changes++;
    const { fault } = this;
    const isHit =
      fault !== null && (fault.isForEver === true ? this.changes >= fault.call : this.changes === fault.call);
    if (!isHit) return effect();
    if (fault.what !== 'kill') throw systemError(fault.what, place?.name ?? 'a file');
    if (fault.isAfter === true) effect();
    this.isDead = true;
    throw new MachineDied(`killed at change ${fault.call}`);
  }

  #link(found: { folder: FolderNode; name: ByteString }, node: DiskNode): DiskNode {
    found.folder.entries.set(found.name, node);
    this.#stamp(found.folder);
    return node;
  }

  #unlinkName(found: { folder: FolderNode; name: ByteString; node: DiskNode | null }): void {
    found.folder.entries.delete(found.name);
    if (found.node !== null) found.node.links--;
    this.#stamp(found.folder);
  }

  #setBytes(node: FileNode, bytes: Uint8Array): void {
    node.bytes = bytes;
    this.#stamp(node);
  }

  #stamp(node: DiskNode): void {
    node.mtimeMs = this.#now();
    node.ctimeMs = node.mtimeMs;
  }

  #common(mode: number): NodeBase {
    const nowMs = this.#now();
    return { ino: this.#nextIno++, mode, mtimeMs: nowMs, ctimeMs: nowMs, links: 1 };
  }

  #newFile(mode: number): FileNode {
    const bytes = new Uint8Array();
    return { kind: 'file', bytes, durable: bytes, ...this.#common(0o100000 | mode) };
  }

  #newFolder(mode: number, parent: FolderNode | null, name: ByteString): FolderNode {
    return {
      kind: 'folder',
      entries: new Map(),
      durable: new Map(),
      parent,
      name,
      ...this.#common(0o040000 | (mode & 0o7777)),
    };
  }
}

export function systemError(code: SystemCode, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${JSON.stringify(path)}`), { code, path });
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** A path as `node:fs` takes it, as a byte string. */
export function bytePath(path: string | Buffer | URL): ByteString {
  if (path instanceof URL) return byteStringOfText(decodeURIComponent(path.pathname));
  return typeof path === 'string' ? byteStringOfText(path) : byteStringOf(path);
}
