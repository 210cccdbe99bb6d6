import type { ChangeSide } from '../model/change.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import type { WorkingTree } from '../ports/working-tree.ts';

/** What one side of a change holds. */
export interface SideContent {
  /** Null when it is larger than the limit, kept in chunks, or (live) gone meanwhile. */
  readonly content: Uint8Array | null;
  /** Null when it is not known without reading all of it. */
  readonly sizeBytes: number | null;
}

/** Fetches the contents of one side of a comparison. */
export interface ContentSource {
  read(side: ChangeSide, options: { sizeBytesMax: number }): Promise<SideContent>;
}

export function snapshotContents(
  reader: ObjectReader,
  options: { signal?: AbortSignal | undefined } = {},
): ContentSource {
  const { signal } = options;
  return {
    async read(side, { sizeBytesMax }) {
      if (side.kind === 'chunked') return { content: null, sizeBytes: null };
      // Entries are compressed: what is larger than the limit even so need not be fetched.
      const at = reader.locate(side.id);
      if (at !== null && at.end - at.start > sizeBytesMax + 1024) return { content: null, sizeBytes: null };
      const { content } = await reader.read(side.id, signal === undefined ? {} : { signal });
      return { content: content.length > sizeBytesMax ? null : content, sizeBytes: content.length };
    },
  };
}

export function liveContents(workingTree: WorkingTree): ContentSource {
  return {
    async read(side, { sizeBytesMax }) {
      const file = await workingTree.read(side.path, { sizeBytesMax });
      return { content: file?.content ?? null, sizeBytes: file?.sizeBytes ?? null };
    },
  };
}
