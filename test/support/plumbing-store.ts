import { createHash } from 'node:crypto';
import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { storedChunkedName, storedName } from '../../src/format/chunked-name.ts';
import { encodeRecord } from '../../src/format/snapshot-record.ts';
import { folderNameOfSnapshotId, snapshotPackKey } from '../../src/format/store-layout.ts';
import { byteStringOf, bytesOf, type ByteString } from '../../src/lib/bytes.ts';
import type { ObjectId, Sha256 } from '../../src/model/ids.ts';
import type { GitState, SnapshotRecord } from '../../src/model/snapshot.ts';
import type { GitOracle } from './git-oracle.ts';
import { sampleId, sampleRecord } from './sample-record.ts';

const pieceBytes = 400;
const chunkedAboveBytes = 1000;

interface StoredFolder {
  readonly tree: string | null;
  readonly metadata: string;
  readonly isLeaf: boolean;
}

/**
 * Makes a store of one snapshot of a folder with git's own plumbing, by what FORMAT.md says and by no other code than the
 * codecs of names and records: what stock git restores from it tests the format, not our writer.
 */
export class PlumbingStore {
  readonly directory: string;
  readonly #oracle: GitOracle;
  #rawNames = false;

  /** Objects are made in the oracle's repository; what it holds already becomes part of the snapshot's pack. */
  constructor(directory: string, oracle: GitOracle) {
    this.directory = directory;
    this.#oracle = oracle;
  }

  /** Writes packs and record of a snapshot of `vault`, a path in bytes. `rawNames` leaves names as a hostile writer might. */
  snapshot(vault: Buffer, git: GitState | null, options: { rawNames?: boolean } = {}): SnapshotRecord {
    this.#rawNames = options.rawNames ?? false;
    const root = this.#folder(vault, { isRoot: true });
    const metadata = this.#git(['commit-tree', '-m', 'metadata', root.metadata]).trim() as ObjectId;
    const tree = (root.tree ?? this.#tree([])) as ObjectId;
    const parents = git?.head == null ? ['-p', metadata] : ['-p', git.head, '-p', metadata];
    const commit = this.#git(['commit-tree', '-m', 'snapshot', ...parents, tree]).trim() as ObjectId;
    const packs = this.#pack();
    const record = sampleRecord({ commit, tree, metadata, packs, git });
    writeFileSync(join(this.#folderOfSnapshot(), 'snapshot.json'), encodeRecord(record));
    return record;
  }

  #folder(path: Buffer, { isRoot }: { isRoot: boolean }): StoredFolder {
    const entries: string[] = [];
    const lines: string[] = [];
    const subfolders: string[] = [];
    for (const raw of readdirSync(path, { encoding: 'buffer' })) {
      const name = byteStringOf(raw);
      const child = Buffer.concat([path, Buffer.from('/'), raw]);
      const stat = lstatSync(child);
      let kind = 'f';
      if (stat.isDirectory()) {
        const folder = this.#folder(child, { isRoot: false });
        if (folder.tree !== null) entries.push(`040000 tree ${folder.tree}\t${this.#storedName(name)}`);
        subfolders.push(`${folder.isLeaf ? '100644 blob' : '040000 tree'} ${folder.metadata}\t=${name}`);
        kind = 'd';
      } else if (stat.isSymbolicLink()) {
        entries.push(
          `120000 blob ${this.#blob(readlinkSync(child, { encoding: 'buffer' }))}\t${this.#storedName(name)}`,
        );
        kind = 'l';
      } else {
        const mode = (stat.mode & 0o100) === 0 ? '100644' : '100755';
        const content = readFileSync(child);
        if (content.length > chunkedAboveBytes) {
          entries.push(`040000 tree ${this.#chunks(content, { mode, name })}\t${storedChunkedName(name)}`);
          kind = 'c';
        } else {
          entries.push(`${mode} blob ${this.#blob(content)}\t${this.#storedName(name)}`);
        }
      }
      lines.push(metadataLine(child, { kind, name }));
    }
    const blob = this.#blob(bytesOf(lines.join('')));
    const isLeaf = !isRoot && subfolders.length === 0;
    const metadata = isLeaf ? blob : this.#tree([`100644 blob ${blob}\tfolder`, ...subfolders]);
    return { tree: entries.length === 0 ? null : this.#tree(entries), metadata, isLeaf };
  }

  #chunks(content: Buffer, { mode, name }: { mode: string; name: ByteString }): string {
    const entries: string[] = [];
    for (let start = 0; start < content.length; start += pieceBytes) {
      const piece = this.#blob(content.subarray(start, start + pieceBytes));
      entries.push(`${mode} blob ${piece}\t${String(entries.length).padStart(8, '0')}`);
    }
    if (!storedChunkedName(name).startsWith(`${name}.`)) entries.push(`100644 blob ${this.#blob(bytesOf(name))}\tname`);
    return this.#tree(entries);
  }

  #pack(): SnapshotRecord['packs'] {
    const ids = this.#git(['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
    const made = join(this.#oracle.directory, '.git', 'made');
    const hash = this.#git(['pack-objects', '-q', made], Buffer.from(ids)).trim();
    mkdirSync(this.#folderOfSnapshot(), { recursive: true });
    const fileOf = (ending: string): { sizeBytes: number; sha256: Sha256 } => {
      const target = join(this.#folderOfSnapshot(), `pack-${hash}.${ending}`);
      copyFileSync(`${made}-${hash}.${ending}`, target);
      const bytes = readFileSync(target);
      return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') as Sha256 };
    };
    const index = fileOf('idx');
    return [
      {
        key: snapshotPackKey(sampleId, hash),
        ...fileOf('pack'),
        indexSizeBytes: index.sizeBytes,
        indexSha256: index.sha256,
        objectCount: ids.trim().split('\n').length,
      },
    ];
  }

  #blob(content: Uint8Array): string {
    return this.#git(['hash-object', '-w', '--no-filters', '--stdin'], content).trim();
  }

  #tree(entries: readonly string[]): string {
    return this.#git(['mktree', '-z'], bytesOf(entries.map((entry) => `${entry}\0`).join(''))).trim();
  }

  #storedName(name: ByteString): ByteString {
    return this.#rawNames ? name : storedName(name);
  }

  #folderOfSnapshot(): string {
    return join(this.directory, 'snapshots', folderNameOfSnapshotId(sampleId));
  }

  #git(args: readonly string[], input?: Uint8Array): string {
    return this.#oracle.git(args, input).toString('latin1');
  }
}

function metadataLine(path: Buffer, { kind, name }: { kind: string; name: ByteString }): string {
  const { mode, mtimeNs } = lstatSync(path, { bigint: true });
  const micros = mtimeNs / 1000n;
  const size = micros < 0n ? -micros : micros;
  const time = `${micros < 0n ? '-' : ''}${size / 1_000_000n}.${String(size % 1_000_000n).padStart(6, '0')}`;
  const escaped = name.replaceAll(
    /[\x00-\x1f\x7f\\]/g,
    (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return `${(mode & 0o7777n).toString(8).padStart(4, '0')} ${time} ${kind} ${escaped}\n`;
}
