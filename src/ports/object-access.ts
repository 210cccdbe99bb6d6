import type { Sha256 } from '../model/ids.ts';
import type { PackRef } from '../model/snapshot.ts';
import type { ObjectReader } from './object-reader.ts';
import type { KnownObjects, ObjectWriter, PackableObject, SealedPack } from './object-writer.ts';

/**
 * What must be known of a pack to read it. A record tells everything; a bare listing only the sizes (the rest is null):
 * then the checksums inside the pack and its index are the proof, and each object's own name as ever.
 */
export interface PackFacts {
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256 | null;
  readonly indexSizeBytes: number;
  readonly indexSha256: Sha256 | null;
  readonly objectCount: number | null;
}

/** A pack to read: in the store, or (while its snapshot waits in the spool) in a directory of this machine. */
export interface PackSource {
  readonly ref: PackFacts;
  /** Directory of the spooled snapshot that holds `pack-<hash>.pack` and `.idx`; null when the pack is in the store. */
  readonly localDirectory: string | null;
  /** Prune condemned it: it may be read while it is there, what is in it counts as absent. */
  readonly isCondemned?: boolean;
}

/** A reader whose indexes are loaded, with what `reindexing` them had to mend. */
export interface OpenedReader {
  readonly reader: ObjectReader;
  /** What need not be stored again: objects in condemned packs are not known. */
  readonly known: KnownObjects;
  /** Keys of packs whose stored index was missing or wrong and was rebuilt from the pack (K06). */
  readonly rebuiltIndexes: readonly string[];
  /** Packs that cannot be used, with the reason; objects in them are missing (K05). */
  readonly unusable: readonly { readonly key: string; readonly reason: string }[];
}

/** Opens writers and readers of git objects. */
export interface ObjectAccess {
  /** New packs are written to `directory`, which exists and is ours. */
  openWriter(directory: string, known: KnownObjects): ObjectWriter;
  /**
   * Loads the indexes of these packs (from the local cache where it has them, unless `fresh`) and returns a reader over all.
   * A store that cannot be reached fails it; with `skipUnreachable` the packs it alone has the index of are unusable instead.
   */
  openReader(
    packs: readonly PackSource[],
    options?: { fresh?: boolean; skipUnreachable?: boolean; signal?: AbortSignal | undefined },
  ): Promise<OpenedReader>;
  /**
   * Writes these objects into new packs in `directory`, which exists and is ours, each as a delta of one shortly before it
   * where that is smaller. Batches come in the order that puts like beside like; `sizeBytes` is about what they come to.
   * Every pack begins with a blob that holds `mark`, so that packs of different runs never have one name. Durable when it returns.
   */
  packTightly(
    batches: AsyncIterable<readonly PackableObject[]>,
    options: { directory: string; mark: string; sizeBytes: number; signal?: AbortSignal | undefined },
  ): Promise<readonly SealedPack[]>;
  /** Remembers a freshly published pack's index (and the pack, when small) so that no request is needed to read it. */
  remember(ref: PackRef, directory: string): Promise<void>;
  /**
   * Reads every byte of one pack and returns what is wrong, as sentences; nothing when it is proved. 'checksum' compares
   * the bytes with the record, 'objects' (the usual) also proves every object in them. Failures to reach the pack throw.
   */
  verify(
    pack: PackSource & { readonly ref: PackRef },
    options?: { depth?: 'checksum' | 'objects'; signal?: AbortSignal | undefined },
  ): Promise<readonly string[]>;
}
