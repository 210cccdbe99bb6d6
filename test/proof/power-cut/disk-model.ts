import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { DiskStep } from './disk-trace.ts';

/** A file, folder or link of the model: what the running system sees, and what the disk has for certain. */
interface Node {
  readonly kind: 'file' | 'folder' | 'link';
  readonly target: string;
  mode: number;
  seen: Buffer;
  certain: Buffer;
  /** Written since the last sync. */
  isDirty: boolean;
  readonly entries: Map<string, Node>;
  readonly certainEntries: Map<string, Node>;
}

/** One change of names that no sync has made certain: all of it happens or nothing. */
interface NameChange {
  readonly folders: readonly Node[];
  readonly effects: readonly { readonly folder: Node; readonly name: string; readonly node: Node | null }[];
}

/** What a power cut made of what was written to a file and not synced; `share` of it, from 0 to 1, reached the disk. */
export interface DataFate {
  /** Nothing, the beginning alone, or the whole length with zeros behind the beginning. */
  readonly kind: 'lost' | 'torn' | 'zeroed';
  readonly share: number;
}

/** Decides, for one cut, what of the unsynced became real. */
export interface Cut {
  readonly keepsName: () => boolean;
  readonly fateOf: () => DataFate;
}

/** Paths and contents of a disk after a cut. */
export type DiskState = ReadonlyMap<string, Buffer | null | { readonly link: string }>;

/**
 * A disk as POSIX promises it and no better: data is certain after fsync of the file, names after fsync of their folder; until
 * then each change of names may be there or not, in any order, and unsynced data may be there, lost, zeroed or cut off.
 */
export interface DiskModel {
  apply(step: DiskStep): void;
  /** Everything as the running system saw it. */
  now(): DiskState;
  /** What is found after the power came back. */
  after(cut: Cut): DiskState;
  /** Something is not certain yet. */
  readonly isUnsettled: boolean;
}

export function createDiskModel(root: string, parts: readonly string[]): DiskModel {
  const top = folderNode();
  const handles = new Map<number, Node>();
  let pending: NameChange[] = [];
  for (const part of parts) load(join(root, part), part);

  function load(path: string, name: string): void {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    const [folder, last] = place(name);
    if (stat === undefined) return;
    const node = stat.isDirectory()
      ? folderNode()
      : stat.isSymbolicLink()
        ? linkNode(readlinkSync(path))
        : fileNode(readFileSync(path));
    node.mode = stat.mode & 0o7777;
    folder.entries.set(last, node);
    folder.certainEntries.set(last, node);
    if (stat.isDirectory()) for (const child of readdirSync(path)) load(join(path, child), `${name}/${child}`);
  }

  /** The folder a path lies in, and its name there; folders above the parts are taken as given. */
  function place(path: string): [Node, string] {
    const names = path.split('/');
    const last = names.pop()!;
    let folder = top;
    for (const name of names) {
      let next = folder.entries.get(name);
      if (next === undefined) {
        next = folderNode();
        folder.entries.set(name, next);
        folder.certainEntries.set(name, next);
      }
      folder = next;
    }
    return [folder, last];
  }

  const inside = (path: string): string => path.slice(root.length + 1);
  const find = (path: string): Node | undefined => {
    if (path === root) return top;
    const [folder, name] = place(inside(path));
    return folder.entries.get(name);
  };
  function change(effects: NameChange['effects']): void {
    for (const { folder, name, node } of effects) {
      if (node === null) folder.entries.delete(name);
      else folder.entries.set(name, node);
    }
    pending.push({ folders: effects.map(({ folder }) => folder), effects });
  }
  function put(path: string, node: Node): void {
    const [folder, name] = place(inside(path));
    change([{ folder, name, node }]);
  }

  function sync(node: Node): void {
    if (node.kind === 'file') {
      node.certain = node.seen;
      node.isDirty = false;
      return;
    }
    const [done, rest]: [NameChange[], NameChange[]] = [[], []];
    for (const one of pending) (one.folders.includes(node) ? done : rest).push(one);
    for (const { effects } of done) for (const effect of effects) settle(effect);
    pending = rest;
  }

  return {
    get isUnsettled() {
      return pending.length > 0 || [...files(top)].some(({ isDirty }) => isDirty);
    },
    apply(step) {
      switch (step.do) {
        case 'create':
          if (find(step.path) === undefined) put(step.path, fileNode(Buffer.alloc(0)));
          break;
        case 'mkdir':
          put(step.path, folderNode());
          break;
        case 'symlink':
          put(step.path, linkNode(step.target));
          break;
        case 'link':
          if (find(step.path) !== undefined) put(step.to, find(step.path)!);
          break;
        case 'unlink': {
          const [folder, name] = place(inside(step.path));
          change([{ folder, name, node: null }]);
          break;
        }
        case 'rename': {
          const node = find(step.path);
          if (node === undefined) break;
          const [from, name] = place(inside(step.path));
          const [to, newName] = place(inside(step.to));
          change([
            { folder: from, name, node: null },
            { folder: to, name: newName, node },
          ]);
          break;
        }
        case 'open': {
          const node = find(step.path);
          if (node !== undefined) handles.set(step.handle, node);
          break;
        }
        case 'write': {
          const node = handles.get(step.handle);
          if (node === undefined) break;
          const at = step.at === -1 ? node.seen.length : step.at;
          const seen = Buffer.alloc(Math.max(node.seen.length, at + step.bytes.length));
          node.seen.copy(seen);
          step.bytes.copy(seen, at);
          node.seen = seen;
          node.isDirty = true;
          break;
        }
        case 'truncate': {
          const node = handles.get(step.handle);
          if (node === undefined || node.seen.length === step.size) break;
          const seen = Buffer.alloc(step.size);
          node.seen.copy(seen);
          node.seen = seen;
          node.isDirty = true;
          break;
        }
        case 'sync': {
          const node = handles.get(step.handle);
          if (node !== undefined) sync(node);
          break;
        }
      }
    },
    now: () => stateOf(top, { entriesOf: ({ entries }) => entries, bytesOf: ({ seen }) => seen }),
    after(cut) {
      const overlay = new Map<Node, Map<string, Node>>();
      const entriesOf = (folder: Node): Map<string, Node> => overlay.get(folder) ?? folder.certainEntries;
      for (const { effects } of pending) {
        if (!cut.keepsName()) continue;
        for (const { folder, name, node } of effects) {
          const entries = new Map(entriesOf(folder));
          if (node === null) entries.delete(name);
          else entries.set(name, node);
          overlay.set(folder, entries);
        }
      }
      const fates = new Map<Node, Buffer>();
      const bytesOf = (file: Node): Buffer => {
        if (!file.isDirty) return file.certain;
        const bytes = fates.get(file) ?? bytesAfter(file, cut.fateOf());
        fates.set(file, bytes);
        return bytes;
      };
      return stateOf(top, { entriesOf, bytesOf });
    },
  };
}

function settle({ folder, name, node }: NameChange['effects'][number]): void {
  if (node === null) folder.certainEntries.delete(name);
  else folder.certainEntries.set(name, node);
}

function bytesAfter({ seen, certain }: Node, { kind, share }: DataFate): Buffer {
  if (kind === 'lost') return certain;
  let same = 0;
  while (same < certain.length && same < seen.length && certain[same] === seen[same]) same++;
  const reached = same + Math.round((seen.length - same) * share);
  if (kind === 'torn') return seen.subarray(0, reached);
  return Buffer.concat([seen.subarray(0, reached), Buffer.alloc(seen.length - reached)]);
}

interface Sight {
  readonly entriesOf: (folder: Node) => ReadonlyMap<string, Node>;
  readonly bytesOf: (file: Node) => Buffer;
}

function stateOf(top: Node, sight: Sight): DiskState {
  const state = new Map<string, Buffer | null | { readonly link: string }>();
  const visit = (folder: Node, prefix: string): void => {
    for (const [name, node] of sight.entriesOf(folder)) {
      const path = prefix + name;
      if (node.kind === 'file') state.set(path, sight.bytesOf(node));
      else if (node.kind === 'link') state.set(path, { link: node.target });
      else {
        state.set(path, null);
        visit(node, `${path}/`);
      }
    }
  };
  visit(top, '');
  return state;
}

function* files(folder: Node): Generator<Node> {
  for (const node of folder.entries.values()) {
    if (node.kind === 'folder') yield* files(node);
    else yield node;
  }
}

function node(kind: Node['kind'], bytes: Buffer, target = ''): Node {
  return {
    kind,
    target,
    mode: kind === 'folder' ? 0o700 : 0o600,
    seen: bytes,
    certain: bytes,
    isDirty: false,
    entries: new Map(),
    certainEntries: new Map(),
  };
}
const folderNode = (): Node => node('folder', Buffer.alloc(0));
const fileNode = (bytes: Buffer): Node => node('file', bytes);
const linkNode = (target: string): Node => node('link', Buffer.alloc(0), target);

/** Puts a state on a real disk in place of what these parts of the folder held. */
export function writeState(root: string, parts: readonly string[], state: DiskState): void {
  for (const part of parts) rmSync(join(root, part), { recursive: true, force: true, maxRetries: 3 });
  for (const [path, content] of state) {
    const full = join(root, path);
    if (content === null) {
      mkdirSync(full, { recursive: true, mode: 0o700 });
      continue;
    }
    mkdirSync(dirname(full), { recursive: true, mode: 0o700 });
    if (Buffer.isBuffer(content)) writeFileSync(full, content, { mode: 0o600 });
    else symlinkSync(content.link, full);
  }
}

/** Equal for equal states. */
export function digestOf(state: DiskState): string {
  const hash = createHash('sha1');
  for (const [path, content] of [...state].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${path}\0`);
    hash.update(content === null ? 'folder' : Buffer.isBuffer(content) ? content : content.link);
    hash.update('\0');
  }
  return hash.digest('hex');
}
