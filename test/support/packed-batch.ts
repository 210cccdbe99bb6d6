import { objectIdOf } from '../../src/format/git/object-id.ts';
import { compressContent, writeEntryHeader } from '../../src/format/git/pack-entry.ts';
import type { FileToWrite, PackedBatch } from '../../src/ports/holding-area.ts';

export interface BatchFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly permissions?: number;
  readonly mtimeMs?: number | null;
}

/** A run of pack bytes holding these files, as a pack would. */
export function packedBatch(files: readonly BatchFile[]): PackedBatch {
  const pieces: Buffer[] = [];
  const rows: FileToWrite[] = [];
  let at = 0;
  for (const { path, content, permissions = 0o644, mtimeMs = null } of files) {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(16);
    const headerEnd = writeEntryHeader(header, 0, { type: 'blob', sizeBytes: bytes.length });
    const entry = Buffer.concat([header.subarray(0, headerEnd), compressContent(bytes)]);
    pieces.push(entry);
    rows.push({ path, id: objectIdOf('blob', bytes), permissions, mtimeMs, start: at, end: at + entry.length });
    at += entry.length;
  }
  return { bytes: new Uint8Array(Buffer.concat(pieces)), files: rows };
}
