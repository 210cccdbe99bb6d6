import type { ByteString } from '../../../lib/bytes.ts';
import type { VaultTree } from '../../../model/vault-tree.ts';
import type { IngestJob } from './ingest-job.ts';

const jobFilesMax = 128;
const jobBytesMax = 1024 * 1024;

/** Rows of the tree that are read together. */
export interface PlannedJob {
  readonly rows: Uint32Array;
  /** Spells the job out; only when it is about to be done, because paths take room. */
  makeJob(): IngestJob;
}

/**
 * Divides rows into jobs of about 128 files or 1 MiB. Large files come first, each alone: started last, one of them would keep
 * a single thread busy while the others have nothing left to do.
 */
export function planJobs(
  tree: VaultTree,
  rows: Uint32Array,
  options: { readonly chunkAbove: number },
): { readonly jobs: readonly PlannedJob[]; readonly fileCount: number; readonly sizeBytes: number } {
  const large: PlannedJob[] = [];
  const ordinary: PlannedJob[] = [];
  let sizeBytes = 0;
  let start = 0;
  let jobBytes = 0;
  const close = (end: number): void => {
    if (end > start) ordinary.push(planJob(tree, rows.subarray(start, end)));
    start = end;
    jobBytes = 0;
  };
  for (let i = 0; i < rows.length; i++) {
    const size = tree.sizes[rows[i]!]!;
    sizeBytes += size;
    if (size > options.chunkAbove) {
      close(i);
      large.push(planJob(tree, rows.subarray(i, i + 1)));
      start = i + 1;
    } else if (i - start >= jobFilesMax || jobBytes + size > jobBytesMax) {
      close(i);
    }
    if (start <= i) jobBytes += size;
  }
  close(rows.length);
  return { jobs: [...large, ...ordinary], fileCount: rows.length, sizeBytes };
}

function planJob(tree: VaultTree, rows: Uint32Array): PlannedJob {
  return { rows, makeJob: () => makeJob(tree, rows) };
}

function makeJob(tree: VaultTree, rows: Uint32Array): IngestJob {
  const paths: ByteString[] = [];
  const inodes = new Float64Array(rows.length);
  const areLinks = new Uint8Array(rows.length);
  // Neighbouring rows mostly share their folder.
  let first = 0;
  let end = 0;
  let prefix = '';
  rows.forEach((row, i) => {
    if (row < first || row >= end) {
      const folder = tree.folderOf(row);
      first = tree.folderEntryStarts[folder]!;
      end = first + tree.folderEntryCounts[folder]!;
      prefix = folder === 0 ? '' : `${tree.folderPath(folder)}/`;
    }
    paths.push(prefix + tree.name(row));
    inodes[i] = tree.inodes[row]!;
    areLinks[i] = tree.isLink(row) ? 1 : 0;
  });
  return { paths: paths.join('\0'), inodes, areLinks };
}
