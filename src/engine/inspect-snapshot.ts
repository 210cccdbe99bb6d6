import { decodeCommit } from '../format/git/commit-codec.ts';
import { decodeTree } from '../format/git/tree-codec.ts';
import type { ObjectId } from '../model/ids.ts';
import type { SnapshotRecord } from '../model/snapshot.ts';
import { fileModes, type TreeEntry } from '../model/tree.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { isDamage } from './read-many.ts';

/** Enough to tell a person what is wrong; a broken pack can break a hundred thousand objects. */
const troublesMax = 5;

export interface Inspector {
  /** Sentences about objects of the snapshot that are missing, unreadable or in a bad pack; empty when it is whole. */
  inspect(record: SnapshotRecord): Promise<readonly string[]>;
}

export interface InspectOptions {
  /** Packs (by the reader's number) already found bad: an object in one counts as lost. */
  readonly badPacks: ReadonlySet<number>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Proves that everything a snapshot's trees name is in the store, and so are the tips of the user's own history. Reads every tree once however many snapshots share it;
 * file contents are looked up, not read (packs are proved apart).
 */
export function createInspector(reader: ObjectReader, options: InspectOptions): Inspector {
  const verdicts = new Map<ObjectId, readonly string[]>();

  async function inspectTree(id: ObjectId): Promise<readonly string[]> {
    const known = verdicts.get(id);
    if (known !== undefined) return known;
    options.signal?.throwIfAborted();
    // Set before descending: a tree that names itself (hostile) must end.
    verdicts.set(id, []);
    const troubles = lost(id) ?? (await inspectEntries(id));
    verdicts.set(id, troubles);
    return troubles;
  }

  async function inspectEntries(id: ObjectId): Promise<readonly string[]> {
    const troubles: string[] = [];
    try {
      for (const entry of decodeTree((await reader.read(id, readOptions(options))).content)) {
        const found = await inspectEntry(entry);
        troubles.push(...found.slice(0, troublesMax - troubles.length));
        if (troubles.length >= troublesMax) break;
      }
    } catch (error) {
      // A store that cannot be reached says nothing about what it holds.
      if (!isDamage(error)) throw error;
      troubles.push(error.message);
    }
    return troubles;
  }

  async function inspectEntry(entry: TreeEntry): Promise<readonly string[]> {
    if (entry.mode === fileModes.tree) return inspectTree(entry.id);
    // Nothing holdfast captures becomes one: whoever made this tree did not mean it to be restored.
    if (entry.mode === fileModes.gitlink)
      return [`the tree entry ${entry.id} points to a commit of another repository`];
    return lost(entry.id) ?? [];
  }

  function lost(id: ObjectId): readonly string[] | null {
    const location = reader.locate(id);
    if (location === null) return [`object ${id} is missing`];
    if (options.badPacks.has(location.pack))
      return [`object ${id} lies in the damaged ${reader.packs[location.pack]!.key}`];
    return null;
  }

  async function inspectCommit(id: ObjectId, expectedTree: ObjectId | null): Promise<readonly string[]> {
    const gone = lost(id);
    if (gone !== null) return gone;
    try {
      const commit = decodeCommit((await reader.read(id, readOptions(options))).content);
      if (expectedTree !== null && commit.tree !== expectedTree)
        return [`commit ${id} does not hold the tree its record names`];
      const parents = commit.parents.flatMap((parent) => lost(parent) ?? []);
      return [...parents, ...(await inspectTree(commit.tree))];
    } catch (error) {
      if (!isDamage(error)) throw error;
      return [error.message];
    }
  }

  return {
    async inspect(record) {
      const troubles = [
        ...(await inspectCommit(record.commit, record.tree)),
        ...(await inspectCommit(record.metadata, null)),
        ...tipsOf(record).flatMap((id) => lost(id) ?? []),
      ];
      return [...new Set(troubles)].slice(0, troublesMax);
    },
  };
}

/** What the user's branches, tags and stashes point to, where the store holds all of their history. */
function tipsOf({ git }: SnapshotRecord): readonly ObjectId[] {
  if (git === null || !git.historyComplete) return [];
  return [...(git.head === null ? [] : [git.head]), ...git.refs.map((ref) => ref.id), ...git.extraRoots];
}

function readOptions(options: InspectOptions): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
