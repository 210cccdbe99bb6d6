import type { ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import type { ObjectLocation } from '../ports/object-reader.ts';

export interface FileRow {
  /** Number of the folder it is in. */
  readonly folder: number;
  readonly name: ByteString;
  readonly id: ObjectId;
  readonly permissions: number;
  /** NaN where unknown. */
  readonly mtimeMs: number;
  readonly at: ObjectLocation;
}

/** The small files of a restore in columns, about 100 bytes each, so that a plan of a million files fits in memory. */
export class FileTable {
  count = 0;
  folders = new Uint32Array(1024);
  readonly names: ByteString[] = [];
  /** 20 bytes a file. */
  ids = Buffer.alloc(1024 * 20);
  permissions = new Uint16Array(1024);
  mtimes = new Float64Array(1024);
  packs = new Uint32Array(1024);
  starts = new Float64Array(1024);
  ends = new Float64Array(1024);

  add(row: FileRow): void {
    const i = this.count++;
    if (i === this.folders.length) this.#grow();
    this.folders[i] = row.folder;
    this.names.push(row.name);
    this.ids.write(row.id, i * 20, 'hex');
    this.permissions[i] = row.permissions;
    this.mtimes[i] = row.mtimeMs;
    this.packs[i] = row.at.pack;
    this.starts[i] = row.at.start;
    this.ends[i] = row.at.end;
  }

  id(i: number): ObjectId {
    return this.ids.toString('hex', i * 20, i * 20 + 20) as ObjectId;
  }

  /** Rows in order of pack and offset: the order to read in. */
  inPackOrder(): Uint32Array {
    const order = new Uint32Array(this.count);
    for (let i = 0; i < order.length; i++) order[i] = i;
    const { packs, starts } = this;
    return order.sort((a, b) => packs[a]! - packs[b]! || starts[a]! - starts[b]!);
  }

  #grow(): void {
    const size = this.folders.length * 2;
    this.folders = grown(this.folders, new Uint32Array(size));
    this.ids = grown(this.ids, Buffer.alloc(size * 20));
    this.permissions = grown(this.permissions, new Uint16Array(size));
    this.mtimes = grown(this.mtimes, new Float64Array(size));
    this.packs = grown(this.packs, new Uint32Array(size));
    this.starts = grown(this.starts, new Float64Array(size));
    this.ends = grown(this.ends, new Float64Array(size));
  }
}

function grown<A extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
