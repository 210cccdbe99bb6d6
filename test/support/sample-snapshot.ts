import { chunksMark } from '../../src/format/chunked-name.ts';
import { encodeCommit, gitIdentity } from '../../src/format/git/commit-codec.ts';
import { encodeTree } from '../../src/format/git/tree-codec.ts';
import { encodeMetadataTree } from '../../src/format/metadata-node.ts';
import type { SnapshotId } from '../../src/model/ids.ts';
import type { ObjectId } from '../../src/model/ids.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import { compareTreeEntries, fileModes, type TreeEntry } from '../../src/model/tree.ts';
import type { MemoryReader } from './memory-reader.ts';
import { sampleRecord, sha256Like } from './sample-record.ts';

/** A vault as a literal: text is a file, an object with `entries` a folder. Names are byte strings. */
export type SampleEntry =
  | string
  | Uint8Array
  | {
      readonly content: string | Uint8Array;
      readonly mode?: number;
      readonly mtimeMs?: number;
      readonly chunks?: number;
    }
  | { readonly link: string; readonly mtimeMs?: number }
  | SampleFolder;

export interface SampleFolder {
  readonly entries: Readonly<Record<string, SampleEntry>>;
  readonly mode?: number;
  readonly mtimeMs?: number;
}

const sampleTimeMs = 1_700_000_000_123.456;

/** Stores a vault as a snapshot does, and returns the point that names it. */
export function addSnapshot(
  reader: MemoryReader,
  entries: Readonly<Record<string, SampleEntry>>,
  options: { id?: string; metadata?: boolean; takenAt?: string } = {},
): RestorePoint {
  const root = addFolder(reader, { entries });
  const tree = root.tree ?? reader.add('tree', '');
  const who = gitIdentity({ name: 'holdfast', email: 'h@example.org' }, new Date(1_700_000_000_000));
  const commitOf = (id: ObjectId, parents: ObjectId[]): ObjectId =>
    reader.add('commit', encodeCommit({ tree: id, parents, author: who, committer: who, message: Buffer.from('s\n') }));
  const metadata = commitOf(
    root.node.isLeaf ? reader.add('tree', encodeMetadataTree(root.node.id, [])) : root.node.id,
    [],
  );
  const commit = commitOf(tree, [metadata]);
  const id = (options.id ?? '2026-11-20T12:01:40Z-auto-laptop') as SnapshotId;
  return {
    record: sampleRecord({ id, takenAt: options.takenAt ?? `${id.slice(0, 19)}.000Z`, tree, commit, metadata }),
    recordSha256: sha256Like('4'),
    where: 'store',
    localDirectory: null,
  };
}

function isFolder(entry: SampleEntry): entry is SampleFolder {
  // A Uint8Array has a method of that name.
  return typeof entry === 'object' && !(entry instanceof Uint8Array) && 'entries' in entry;
}

interface AddedFolder {
  readonly tree: ObjectId | null;
  readonly node: { readonly id: ObjectId; readonly isLeaf: boolean };
}

function addFolder(reader: MemoryReader, folder: SampleFolder): AddedFolder {
  const tree: TreeEntry[] = [];
  const lines: string[] = [];
  const subfolders: { name: string; id: ObjectId; isLeaf: boolean }[] = [];
  for (const [name, entry] of Object.entries(folder.entries)) {
    if (isFolder(entry)) {
      const added = addFolder(reader, entry);
      if (added.tree !== null) tree.push({ name, mode: fileModes.tree, id: added.tree });
      subfolders.push({ name, ...added.node });
      lines.push(lineOf('d', name, { mode: entry.mode ?? 0o755, mtimeMs: entry.mtimeMs }));
    } else if (typeof entry === 'object' && 'link' in entry) {
      tree.push({ name, mode: fileModes.link, id: reader.add('blob', Buffer.from(entry.link, 'latin1')) });
      lines.push(lineOf('l', name, { mode: 0o777, mtimeMs: entry.mtimeMs }));
    } else {
      const file = typeof entry === 'object' && 'content' in entry ? entry : { content: entry };
      const mode = file.mode ?? 0o644;
      const gitMode = (mode & 0o100) === 0 ? fileModes.file : fileModes.executable;
      if (file.chunks === undefined) tree.push({ name, mode: gitMode, id: reader.add('blob', file.content) });
      else
        tree.push({
          name: name + chunksMark,
          mode: fileModes.tree,
          id: addChunks(reader, file.content, { gitMode, count: file.chunks }),
        });
      lines.push(lineOf(file.chunks === undefined ? 'f' : 'c', name, { mode, mtimeMs: file.mtimeMs }));
    }
  }
  const linesId = reader.add('blob', Buffer.from(lines.join(''), 'latin1'));
  const node =
    subfolders.length === 0
      ? { id: linesId, isLeaf: true }
      : { id: reader.add('tree', encodeMetadataTree(linesId, subfolders)), isLeaf: false };
  const id = tree.length === 0 ? null : reader.add('tree', encodeTree(tree.sort(compareTreeEntries)));
  return { tree: id, node };
}

function addChunks(
  reader: MemoryReader,
  content: string | Uint8Array,
  options: { gitMode: number; count: number },
): ObjectId {
  const bytes = Buffer.from(content);
  const size = Math.ceil(bytes.length / options.count);
  const chunks: TreeEntry[] = [];
  for (let i = 0; i < options.count; i++) {
    const id = reader.add('blob', bytes.subarray(i * size, (i + 1) * size));
    chunks.push({ name: String(i).padStart(8, '0'), mode: options.gitMode, id });
  }
  return reader.add('tree', encodeTree(chunks));
}

function lineOf(kind: string, name: string, state: { mode: number; mtimeMs: number | undefined }): string {
  const ms = state.mtimeMs ?? sampleTimeMs;
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const micros = Math.round((Math.abs(ms) - seconds * 1000) * 1000);
  const written = name.replaceAll(
    /[\u0000-\u001f\u007f\\]/g,
    (c) => `\\0${c.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  const time = `${ms < 0 ? '-' : ''}${seconds}.${String(micros).padStart(6, '0')}`;
  return `${state.mode.toString(8).padStart(4, '0')} ${time} ${kind} ${written}\n`;
}
