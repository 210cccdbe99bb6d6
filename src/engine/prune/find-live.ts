import { decodeCommit } from '../../format/git/commit-codec.ts';
import { rawObjectId } from '../../format/git/object-id.ts';
import { treeLinks } from '../../format/git/tree-links.ts';
import { ObjectIdSet } from '../../lib/object-id-set.ts';
import { HoldfastError } from '../../model/errors.ts';
import { type ObjectId, isObjectId } from '../../model/ids.ts';
import type { SnapshotRecord } from '../../model/snapshot.ts';
import type { GitObject, ObjectReader } from '../../ports/object-reader.ts';
import { isDamage, readMany } from '../read-many.ts';

const batchObjectsMax = 1024;
/** Type and path of an object in one number, so that versions of one file lie together: see `objects/delta-order.ts`. */
export type PathHint = number;

export interface LiveObjects {
  readonly ids: ObjectIdSet;
  /** Hints of the objects for which `wantsHint` said yes. */
  readonly hints: ReadonlyMap<ObjectId, PathHint>;
}

interface Visit {
  readonly id: ObjectId;
  readonly hint: PathHint;
}

/**
 * Finds every object these records need: their trees and metadata, and what they keep of the user's history. A part of the
 * history may be missing (a shallow clone, an object git itself had lost); of a vault nothing may.
 * @throws {HoldfastError} `object_missing` when a snapshot is not whole, `object_corrupt` when a tree cannot be read
 */
export async function findLive(
  reader: ObjectReader,
  records: readonly SnapshotRecord[],
  options: { seed: number; wantsHint(id: ObjectId): boolean; signal?: AbortSignal | undefined },
): Promise<LiveObjects> {
  const walk = new LiveWalk(reader, options);
  const vaults: ObjectId[] = records.flatMap(({ tree, metadata }) => [tree, metadata]);
  await walk.follow(vaults, { isStrict: true });
  for (const { commit } of records) walk.demand(commit);
  await walk.follow([], { isStrict: false });
  const history = records.flatMap(({ git }) => {
    return git === null
      ? []
      : [...(git.head === null ? [] : [git.head]), ...git.refs.map(({ id }) => id), ...git.extraRoots];
  });
  await walk.follow(history, { isStrict: false });
  return walk;
}

class LiveWalk implements LiveObjects {
  readonly ids: ObjectIdSet;
  readonly hints = new Map<ObjectId, PathHint>();
  readonly #reader: ObjectReader;
  readonly #wantsHint: (id: ObjectId) => boolean;
  readonly #signal: AbortSignal | undefined;
  #toRead: Visit[] = [];

  constructor(
    reader: ObjectReader,
    options: { seed: number; wantsHint(id: ObjectId): boolean; signal?: AbortSignal | undefined },
  ) {
    this.#reader = reader;
    this.#wantsHint = (id) => options.wantsHint(id);
    this.#signal = options.signal;
    this.ids = new ObjectIdSet({ seed: options.seed });
  }

  /** An object that must be there, whatever it leads to. */
  demand(id: ObjectId): void {
    this.#visit({ id, hint: 0 }, { isBlob: false, isStrict: true });
  }

  async follow(roots: readonly ObjectId[], { isStrict }: { isStrict: boolean }): Promise<void> {
    for (const id of roots) this.#visit({ id, hint: 0 }, { isBlob: false, isStrict });
    while (this.#toRead.length > 0) {
      this.#signal?.throwIfAborted();
      const batch = this.#toRead.splice(-batchObjectsMax);
      const objects = await readMany(
        this.#reader,
        batch.map(({ id }) => id),
        { signal: this.#signal },
      );
      for (const { id, hint } of batch) {
        const object = objects.get(id) ?? (await this.#readAlone(id, isStrict));
        if (object !== null) this.#expand(object, hint, isStrict);
      }
    }
  }

  /** What readMany left out is a delta, or damaged. */
  async #readAlone(id: ObjectId, isStrict: boolean): Promise<GitObject | null> {
    try {
      return await this.#reader.read(id, this.#signal === undefined ? {} : { signal: this.#signal });
    } catch (error) {
      if (isStrict || !isDamage(error)) throw error;
      return null;
    }
  }

  #expand({ type, content }: GitObject, hint: PathHint, isStrict: boolean): void {
    if (type === 'commit') {
      const commit = decodeCommit(content);
      this.#visit({ id: commit.tree, hint: 0 }, { isBlob: false, isStrict });
      for (const id of commit.parents) this.#visit({ id, hint: 0 }, { isBlob: false, isStrict });
    } else if (type === 'tree') {
      for (const link of treeLinks(content)) {
        if (link.kind === 'gitlink') continue;
        this.#visit({ id: link.id, hint: hintBelow(hint, link.name) }, { isBlob: link.kind === 'blob', isStrict });
      }
    } else if (type === 'tag') {
      const target = /^object ([0-9a-f]{40})\n/.exec(Buffer.from(content.subarray(0, 48)).toString('latin1'))?.[1];
      if (isObjectId(target)) this.#visit({ id: target, hint: 0 }, { isBlob: false, isStrict });
    }
  }

  #visit(visit: Visit, { isBlob, isStrict }: { isBlob: boolean; isStrict: boolean }): void {
    const raw = rawObjectId(visit.id);
    if (this.ids.has(raw, 0)) return;
    if (!this.#reader.has(visit.id)) {
      if (!isStrict) return;
      throw new HoldfastError(
        'object_missing',
        `The object ${visit.id} of a kept snapshot is missing from the store.`,
        {
          hint: 'Nothing is pruned while a snapshot is not whole. Look closer with: holdfast verify',
        },
      );
    }
    this.ids.add(raw, 0);
    if (this.#wantsHint(visit.id)) this.hints.set(visit.id, visit.hint);
    if (!isBlob) this.#toRead.push(visit);
  }
}

/** FNV-1a over the names of the path. */
function hintBelow(parent: PathHint, name: string): PathHint {
  let hash = Math.imul(parent ^ 0x811c9dc5, 0x01000193);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
