import { chunkBytes, chunkCountOf, chunkStart, openChunks, openHeader } from '../../format/sealed-object.ts';
import { type SealedObject, sealedHeaderBytes, sealedSizeOf } from '../../format/sealed-object.ts';
import { sealedNameOf } from '../../format/store-layout.ts';
import { ByteLru } from '../../lib/byte-lru.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Keyring } from '../../model/store-keys.ts';
import type { ByteRange, GetOptions, ObjectStorage, StorageKey } from '../../ports/object-storage.ts';
import { checkRange, tooLarge, tooShort } from './storage-answers.ts';

const headersMax = 4096;

/** Reads sealed objects, whole or in part. */
export interface SealedReader {
  /** As `get` of the port, of plain bytes. @throws {HoldfastError} `object_corrupt` for anything that was not sealed so */
  read(key: StorageKey, options: GetOptions & { keyring: Keyring }): Promise<Uint8Array>;
  /** The object may have been replaced. */
  forget(key: StorageKey): void;
}

/** Headers are kept in memory, so that only the first read in the middle of an object costs one request more. */
export function createSealedReader(raw: ObjectStorage): SealedReader {
  const headers = new ByteLru<StorageKey, SealedObject>(headersMax);

  interface Reading {
    readonly key: StorageKey;
    readonly options: GetOptions & { keyring: Keyring };
  }

  /** Older versions have other headers, and are read too rarely to keep those. */
  function keep({ key, options }: Reading, object: SealedObject): SealedObject {
    if (options.storageVersionId === undefined) headers.set(key, object, 1);
    return object;
  }

  function kept({ key, options }: Reading): SealedObject | undefined {
    return options.storageVersionId === undefined ? headers.get(key) : undefined;
  }

  function open(reading: Reading, bytes: Uint8Array): SealedObject {
    const { key, options } = reading;
    return keep(reading, openHeader(options.keyring, bytes, sealedNameOf(key)));
  }

  /** Sealed bytes of the object as they lie there. */
  async function fetch({ key, options }: Reading, range: ByteRange | null): Promise<Uint8Array> {
    const { signal, storageVersionId, sizeBytesMax } = options;
    return raw.get(key, {
      ...(signal === undefined ? {} : { signal }),
      ...(storageVersionId === undefined ? {} : { storageVersionId }),
      ...(range === null ? {} : { range }),
      ...(range !== null || sizeBytesMax === undefined ? {} : { sizeBytesMax: sealedSizeOf(sizeBytesMax) }),
    });
  }

  async function readWhole(reading: Reading): Promise<Uint8Array> {
    const bytes = await fetch(reading, null);
    const object = open(reading, bytes);
    if (bytes.length !== sealedSizeOf(object.sizeBytes)) throw cutOrGrown(object, bytes.length);
    return openChunks(object, 0, bytes.subarray(sealedHeaderBytes));
  }

  /** From the start, header and bytes come with one request, if `end` is the end of the object, as it mostly is. */
  async function readStart(reading: Reading, end: number): Promise<Uint8Array> {
    const bytes = await fetch(reading, { start: 0, end: sealedSizeOf(end) });
    const object = open(reading, bytes);
    if (object.sizeBytes < end) throw tooShort(reading.key, { wanted: end, found: object.sizeBytes });
    const sealedEnd = endOfChunks(object, end);
    const rest = sealedEnd === bytes.length ? null : await fetch(reading, { start: bytes.length, end: sealedEnd });
    const body = rest === null ? bytes.subarray(sealedHeaderBytes) : join(bytes.subarray(sealedHeaderBytes), rest);
    return openChunks(object, 0, body).subarray(0, end);
  }

  async function readRange(reading: Reading, { start, end }: ByteRange): Promise<Uint8Array> {
    const known = kept(reading);
    if (known === undefined && start < chunkBytes) return (await readStart(reading, end)).subarray(start);
    const object = known ?? open(reading, await fetch(reading, { start: 0, end: sealedHeaderBytes }));
    if (end > object.sizeBytes) throw tooShort(reading.key, { wanted: end, found: object.sizeBytes });
    const first = Math.floor(start / chunkBytes);
    const sealed = await fetch(reading, { start: chunkStart(first), end: endOfChunks(object, end) });
    const before = first * chunkBytes;
    return openChunks(object, first, sealed).subarray(start - before, end - before);
  }

  return {
    async read(key, options) {
      const { range, sizeBytesMax = Infinity } = options;
      checkRange(range);
      if (range !== undefined && range.end - range.start > sizeBytesMax) throw tooLarge(key, range.end - range.start);
      const reading = { key, options };
      const plain = range === undefined ? await readWhole(reading) : await readRange(reading, range);
      // Callers cut and keep what they get: with a Buffer that would mean something else.
      return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
    },
    forget(key) {
      headers.delete(key);
    },
  };
}

/** Where the chunk ends that holds the byte before `end`. */
function endOfChunks(object: SealedObject, end: number): number {
  const chunks = Math.ceil(end / chunkBytes);
  return chunks >= chunkCountOf(object.sizeBytes) ? sealedSizeOf(object.sizeBytes) : chunkStart(chunks);
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Buffer.concat([a, b]);
}

function cutOrGrown(object: SealedObject, foundBytes: number): HoldfastError {
  const wanted = sealedSizeOf(object.sizeBytes);
  return new HoldfastError(
    'object_corrupt',
    `${object.name} in the store is ${foundBytes} bytes long instead of ${wanted}.`,
    { hint: 'See which snapshots it touches with: holdfast verify --full', data: { key: object.name, wanted } },
  );
}
