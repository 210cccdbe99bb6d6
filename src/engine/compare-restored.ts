import { objectIdOf } from '../format/git/object-id.ts';
import type { ByteString } from '../lib/bytes.ts';
import type { Change, ChangeSide } from '../model/change.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import type { KnownObjects } from '../ports/object-writer.ts';
import type { Deps } from './deps.ts';
import { diffTrees } from './diff-trees.ts';
import { findEntry } from './find-path.ts';
import { openTreeReader } from './read-tree.ts';
import { scanLive } from './scan-live.ts';

/** A single file up to this size is read and compared; a larger one costs less to find out by a scan. */
const fileBytesMax = 16 * 1024 * 1024;

/**
 * What would change if a restored path were taken into the vault: `before` is live, `after` the restore point. Paths that only
 * the vault has are not listed: taking a restore removes nothing.
 */
export async function compareRestored(
  deps: Deps,
  options: {
    readonly reader: ObjectReader;
    readonly known: KnownObjects;
    readonly tree: ChangeSide['id'];
    /** Null for everything. */
    readonly path: ByteString | null;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<readonly Change[]> {
  const { reader, tree, path, signal } = options;
  const trees = openTreeReader(reader, { signal });
  const entry = path === null ? null : await findEntry(trees, tree, path);
  if (path !== null && entry !== null && entry.kind !== 'folder') {
    const change = await compareFile(deps, { path, kind: entry.kind, id: entry.id });
    if (change !== 'unknown') return change;
  }
  const live = await scanLive(deps, options);
  const changes = await diffTrees(live, { trees, root: tree }, { path, except: deps.settings.logFolder, signal });
  return changes.filter((change) => change.kind !== 'removed');
}

/** One file is compared by reading it: a scan of the vault for its sake would cost more. */
async function compareFile(deps: Deps, after: ChangeSide): Promise<readonly Change[] | 'unknown'> {
  const { path } = after;
  const file = await deps.workingTree.read(path, { sizeBytesMax: fileBytesMax });
  if (file === null) return [{ kind: 'added', path, before: null, after }];
  if (file.content === null || after.kind === 'chunked') return 'unknown';
  const kind = file.kind === 'link' ? 'link' : file.executable ? 'executable' : 'file';
  const before: ChangeSide = { path, kind, id: objectIdOf('blob', file.content) };
  if ((kind === 'link') !== (after.kind === 'link')) return [{ kind: 'type', path, before, after }];
  if (before.id !== after.id) return [{ kind: 'changed', path, before, after }];
  return kind === after.kind ? [] : [{ kind: 'mode', path, before, after }];
}
