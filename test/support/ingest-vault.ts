import { ingestFiles, type IngestFilesOptions } from '../../src/adapters/vault/ingest/ingest-files.ts';
import type { ByteString } from '../../src/lib/bytes.ts';
import type { Notice, Problem } from '../../src/model/problem.ts';
import { entryFlags, type VaultTree } from '../../src/model/vault-tree.ts';
import type { Scan } from '../../src/ports/working-tree.ts';
import { createMemoryObjectWriter, type MemoryObjectWriter, nothingKnown } from './memory-object-writer.ts';
import { filesAndLinks, readVaultTree } from './read-vault-tree.ts';

export interface Ingested {
  readonly tree: VaultTree;
  readonly writer: MemoryObjectWriter;
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
  /** The stored bytes of a file or link, chunks joined; null when it is absent. */
  readonly contentOf: (path: ByteString) => Buffer | null;
}

export type IngestVaultOptions = Partial<IngestFilesOptions> & {
  /** Between the scan and the reading. */
  readonly beforeReading?: (tree: VaultTree) => void;
};

/** Reads a whole vault into memory, every file and link of it dirty. */
export async function ingestVault(root: string, options: IngestVaultOptions = {}): Promise<Ingested> {
  const scan = scanOfAll(root);
  const { tree } = scan;
  options.beforeReading?.(tree);
  const known = options.known ?? nothingKnown;
  const writer = createMemoryObjectWriter(known);
  const found = await ingestFiles({
    root,
    chunkAbove: 8 * 1024 * 1024,
    appendedFile: null,
    workerCount: 0,
    scan,
    writer,
    known,
    ...options,
  });
  return { tree, writer, ...found, contentOf: (path) => contentOf(tree, writer, path) };
}

/** A scan in which everything is dirty. */
export function scanOfAll(root: string): Scan {
  const tree = readVaultTree(root);
  return {
    tree,
    dirty: filesAndLinks(tree),
    changed: true,
    ledger: [],
    problems: [],
    notices: [],
    startedAtMs: 0,
    memory: new Uint8Array(),
  };
}

function contentOf(tree: VaultTree, writer: MemoryObjectWriter, path: ByteString): Buffer | null {
  const row = tree.find(path);
  if ((tree.flags[row]! & entryFlags.absent) !== 0) return null;
  if ((tree.flags[row]! & entryFlags.chunked) === 0) return writer.content(tree.id(row));
  const chunks = writer.tree(tree.id(row)).filter(({ name }) => name !== 'name');
  return Buffer.concat(chunks.map(({ id }) => writer.content(id)));
}
