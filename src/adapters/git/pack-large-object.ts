import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { closeSync, constants, createReadStream, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants as zlib, crc32, createDeflate, createInflate } from 'node:zlib';
import { objectCorrupt } from '../../format/git/corrupt.ts';
import { encodePackIndex } from '../../format/git/encode-pack-index.ts';
import {
  encodePackHeader,
  entryHeaderBytesMax,
  packHeaderBytes,
  writeEntryHeader,
} from '../../format/git/pack-entry.ts';
import { isHoldfastError } from '../../model/errors.ts';
import { writeFully } from '../fs/durable-write.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { looseHeaderBytesMax, parseLooseHeader } from './loose-object.ts';

/** A pack of one object in a temporary folder, which disposing removes. */
export interface OneObjectPack extends Disposable {
  readonly packPath: string;
  readonly indexPath: string;
}

/**
 * Turns a loose object too large for memory into a pack of its own, in a stream, checking it against its name.
 * @throws {HoldfastError} `object_corrupt` when it is malformed or not what its name says
 */
export async function packLargeObject(
  loosePath: string,
  { name, signal }: { name: string; signal?: AbortSignal | undefined },
): Promise<OneObjectPack> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-object-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const files = { packPath: join(folder, 'object.pack'), indexPath: join(folder, 'object.idx') };
  const fd = openSync(files.packPath, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    const pack = new PackBytes(fd);
    pack.write(encodePackHeader(1));
    const objectHash = createHash('sha1');
    const content = contentOf(loosePath, { objectHash, pack });
    const deflate = createDeflate({ level: zlib.Z_BEST_SPEED });
    await pipeline(Readable.from(content), deflate, (chunks) => pack.writeEntry(chunks), { signal });
    if (objectHash.digest('hex') !== name) throw objectCorrupt('It does not have the content its name promises.');
    const packTrailer = pack.finish();
    const columns = {
      ids: Buffer.from(name, 'hex'),
      crcs: Uint32Array.of(pack.entryCrc),
      offsets: Uint32Array.of(packHeaderBytes),
      packTrailer,
    };
    writeFileSync(files.indexPath, encodePackIndex(columns), { mode: 0o600 });
    return { ...files, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw systemCode(error) === 'ENOSPC' ? mapFsError(error, 'unpack a large object in the temporary folder') : error;
  } finally {
    closeSync(fd);
  }
}

class PackBytes {
  entryCrc = 0;
  readonly #fd: number;
  readonly #hash = createHash('sha1');

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    writeFully(this.#fd, bytes);
  }

  async writeEntry(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) this.writeEntryBytes(chunk);
  }

  writeEntryBytes(bytes: Uint8Array): void {
    this.entryCrc = crc32(bytes, this.entryCrc);
    this.write(bytes);
  }

  finish(): Buffer {
    const trailer = this.#hash.digest();
    writeFully(this.#fd, trailer);
    return trailer;
  }
}

/** Yields the content of a loose object; writes the entry's header, once its type and size are known, to the pack. */
async function* contentOf(
  loosePath: string,
  { objectHash, pack }: { objectHash: Hash; pack: PackBytes },
): AsyncGenerator<Buffer> {
  const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;
  const file = createReadStream(loosePath, { flags: (constants.O_RDONLY | noFollow) as unknown as string });
  const inflate = createInflate();
  file.on('error', (error) => inflate.destroy(error));
  let head: Buffer | null = Buffer.alloc(0);
  let left = 0;
  try {
    for await (const chunk of file.pipe(inflate) as AsyncIterable<Buffer>) {
      objectHash.update(chunk);
      let content = chunk;
      if (head !== null) {
        head = Buffer.concat([head, chunk]);
        if (head.length < looseHeaderBytesMax) continue;
        const { type, sizeBytes, dataStart } = parseLooseHeader(head);
        const entryHeader = Buffer.alloc(entryHeaderBytesMax);
        pack.writeEntryBytes(entryHeader.subarray(0, writeEntryHeader(entryHeader, 0, { type, sizeBytes })));
        content = head.subarray(dataStart);
        left = sizeBytes;
        head = null;
      }
      left -= content.length;
      // A stream that unfolds to more than it states could fill the disk.
      if (left < 0) throw objectCorrupt('It has another size than it says.');
      yield content;
    }
  } catch (error) {
    throw isHoldfastError(error) ? error : objectCorrupt('It does not inflate.', error);
  } finally {
    file.destroy();
    inflate.destroy();
  }
  if (left !== 0 || head !== null) throw objectCorrupt('It has another size than it says.');
}
