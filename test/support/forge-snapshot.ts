import { createHash } from 'node:crypto';
import { encodeRecord } from '../../src/format/snapshot-record.ts';
import { packIndexKey, recordKey, snapshotPackKey } from '../../src/format/store-layout.ts';
import type { Label, ObjectId, Sha256, SnapshotId } from '../../src/model/ids.ts';
import type { SnapshotRecord } from '../../src/model/snapshot.ts';
import type { MemoryStorage } from './memory-storage.ts';
import { buildIndex, buildPack, type RawEntry } from './pack-builder.ts';
import { sampleRecord } from './sample-record.ts';

/** One entry of a tree object, whatever its name. */
export interface RawTreeEntry {
  readonly mode: '100644' | '100755' | '120000' | '40000' | '160000';
  /** As a byte string. */
  readonly name: string;
  readonly id: string;
}

/** Objects of a snapshot nobody took, and its pack, index and record in a store: as hostile as they are told to be. */
export class Forgery {
  readonly #entries: RawEntry[] = [];
  readonly #ids: string[] = [];

  blob(content: string | Uint8Array): string {
    return this.#add(3, Buffer.from(content as string));
  }

  tree(entries: readonly RawTreeEntry[]): string {
    const parts = entries.map(({ mode, name, id }) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(id, 'hex')]),
    );
    return this.#add(2, Buffer.concat(parts));
  }

  /** An entry as it is to lie in the pack, under the name the index shall give it. */
  raw(entry: RawEntry, id: string): string {
    this.#entries.push(entry);
    this.#ids.push(id);
    return id;
  }

  get entryCount(): number {
    return this.#entries.length;
  }

  /** Writes it all into the store, complete with commits; `changes` are for the record. */
  publish(
    storage: MemoryStorage,
    tree: string,
    changes: Partial<SnapshotRecord> & { readonly id: SnapshotId },
  ): SnapshotRecord {
    const person = 'A <a@b> 1700000000 +0000';
    const commit = (root: string, parents: string): string =>
      this.#add(1, Buffer.from(`tree ${root}\n${parents}author ${person}\ncommitter ${person}\n\nforged\n`));
    const metadata = commit(this.tree([{ mode: '100644', name: 'folder', id: this.blob('') }]), '');
    const snapshot = commit(tree, `parent ${metadata}\n`);
    const pack = buildPack(this.#entries);
    const index = buildIndex(pack, this.#ids);
    const key = snapshotPackKey(changes.id, pack.bytes.subarray(-20).toString('hex'));
    const record = sampleRecord({
      label: 'forged' as Label,
      commit: snapshot as ObjectId,
      tree: tree as ObjectId,
      metadata: metadata as ObjectId,
      base: null,
      chain: { sequence: 1, previous: null },
      git: null,
      problems: [],
      notices: [],
      ledger: [],
      complete: true,
      counts: { files: 1, folders: 0, links: 0, sizeBytes: 1, added: 1, changed: 0, removed: 0, storedBytes: 1 },
      packs: [
        {
          key,
          sizeBytes: pack.bytes.length,
          sha256: sha256Of(pack.bytes),
          indexSizeBytes: index.length,
          indexSha256: sha256Of(index),
          objectCount: this.#entries.length,
        },
      ],
      ...changes,
    });
    storage.poke(key, pack.bytes);
    storage.poke(packIndexKey(key), index);
    storage.poke(recordKey(record.id), encodeRecord(record));
    return record;
  }

  #add(type: 1 | 2 | 3, content: Buffer): string {
    const name = { 1: 'commit', 2: 'tree', 3: 'blob' }[type];
    const id = createHash('sha1').update(`${name} ${content.length}\0`).update(content).digest('hex');
    return this.#ids.includes(id) ? id : this.raw({ type, content }, id);
  }
}

function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}
