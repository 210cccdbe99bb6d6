import { objectIdOf } from '../format/git/object-id.ts';
import { HoldfastError } from '../model/errors.ts';
import type { ObjectId } from '../model/ids.ts';
import type { Problem } from '../model/problem.ts';
import type { VaultTree } from '../model/vault-tree.ts';
import type { KnownObjects, ObjectWriter } from '../ports/object-writer.ts';
import { buildTrees } from './build-trees.ts';
import type { Deps } from './deps.ts';
import type { TreeSide } from './diff-trees.ts';
import { openLiveTrees } from './live-trees.ts';

/** The vault as it is right now, named the way a snapshot of it would be; nothing was stored. */
export interface LiveVault extends TreeSide {
  readonly root: ObjectId;
  readonly tree: VaultTree;
  /** Paths that could not be read, so that a comparison shows them as removed. */
  readonly problems: readonly Problem[];
}

/**
 * Scans the vault and hashes what changed since it was last looked at; costs what a scan costs. `known` spares compressing
 * what is in the store already.
 */
export async function scanLive(
  deps: Deps,
  options: { known: KnownObjects; signal?: AbortSignal | undefined },
): Promise<LiveVault> {
  const { known, signal } = options;
  const startedMs = deps.clock.monotonicMs();
  deps.events.emit({ type: 'phase_started', phase: 'scan' });
  // Ids in the cache name contents, whatever snapshot and store it was saved with.
  const base = await deps.statCache.load();
  const scan = await deps.workingTree.scan({
    base,
    ignore: await deps.repository.ignoreSources(),
    tracked: await deps.repository.trackedPaths(),
    signal,
    onProgress: (done) => deps.events.emit({ type: 'progress', phase: 'scan', done, total: null, unit: 'files' }),
  });
  const writer = createDiscardingWriter();
  const { problems } = await deps.workingTree.ingest({ scan, writer, known, signal });
  const { rootTree } = buildTrees(scan.tree, writer, base?.tree ?? null);
  const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
  deps.events.emit({ type: 'phase_finished', phase: 'scan', durationMs });
  return {
    tree: scan.tree,
    root: rootTree,
    trees: openLiveTrees(scan.tree, rootTree),
    problems: [...scan.problems, ...problems],
  };
}

/** Names objects and keeps none: says that it has everything, so that nothing is encoded that can be reused. */
function createDiscardingWriter(): ObjectWriter {
  return {
    objectCount: 0,
    sizeBytes: 0,
    has: () => true,
    add: (type, content) => objectIdOf(type, content),
    addEncoded: () => Promise.resolve(),
    copyPack() {
      throw new HoldfastError('invariant_broken', 'A scan for a comparison was asked to copy a pack.');
    },
    seal: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
