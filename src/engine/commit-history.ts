import { decodeCommit, type DecodedCommit } from '../format/git/commit-codec.ts';
import { decodeTree } from '../format/git/tree-codec.ts';
import { byteStringOf, type ByteString } from '../lib/bytes.ts';
import type { ObjectId } from '../model/ids.ts';
import { fileModes, type TreeEntry } from '../model/tree.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import { isDamage } from './read-many.ts';

/** A commit of the user's own history in which a path became what it is there. */
export interface CommitTouch {
  readonly commit: ObjectId;
  /** Seconds since the epoch; null where the commit does not say. */
  readonly committedAt: number | null;
  /** Who wrote it, and the first line of what they said: from outside, not safe to show as they are. */
  readonly author: string;
  readonly subject: ByteString;
  /** The file or folder in that commit; null when the commit removed it. */
  readonly object: ObjectId | null;
}

export interface CommitHistory {
  /** Newest first. */
  readonly touches: readonly CommitTouch[];
  readonly commitsRead: number;
  /** Why the walk ended before the first commit; null when it did not. */
  readonly stopped: 'limit' | 'missing' | null;
}

export const commitsMax = 5000;

/**
 * Follows the user's history from a commit, first parents only, and lists the commits that changed one path. Stops after `commitsMax`
 * commits, or where the store does not have the history.
 */
export async function readCommitHistory(
  reader: ObjectReader,
  options: { head: ObjectId; path: ByteString; signal?: AbortSignal | undefined },
): Promise<CommitHistory> {
  const walk = new CommitWalk(reader, options);
  const touches: CommitTouch[] = [];
  let commitsRead = 0;
  let id: ObjectId | undefined = options.head;
  let commit = await walk.commit(id);
  let object = commit === null ? null : await walk.resolve(commit.tree);
  while (id !== undefined && commit !== null && commitsRead < commitsMax) {
    options.signal?.throwIfAborted();
    commitsRead++;
    const parentId: ObjectId | undefined = commit.parents[0];
    const parent = parentId === undefined ? null : await walk.commit(parentId);
    const before = parent === null ? null : await walk.resolve(parent.tree);
    const isEndUnknown = parentId !== undefined && parent === null;
    // Without its parent it cannot be told whether this commit changed anything.
    if (object !== before && !isEndUnknown) touches.push(touchOf(id, commit, object));
    if (isEndUnknown) return { touches, commitsRead, stopped: 'missing' };
    id = parentId;
    commit = parent;
    object = before;
  }
  return { touches, commitsRead, stopped: id === undefined ? null : commit === null ? 'missing' : 'limit' };
}

class CommitWalk {
  readonly #reader: ObjectReader;
  readonly #names: readonly ByteString[];
  readonly #readOptions: { signal?: AbortSignal };
  /** What the path is below a tree, by tree and depth: most commits leave most folders alone. */
  readonly #resolved = new Map<string, ObjectId | null>();

  constructor(reader: ObjectReader, options: { path: ByteString; signal?: AbortSignal | undefined }) {
    this.#reader = reader;
    this.#names = options.path.split('/');
    this.#readOptions = options.signal === undefined ? {} : { signal: options.signal };
  }

  /** Null when the store does not have it, or not whole. */
  async commit(id: ObjectId): Promise<DecodedCommit | null> {
    try {
      const { type, content } = await this.#reader.read(id, this.#readOptions);
      return type === 'commit' ? decodeCommit(content) : null;
    } catch (error) {
      if (isDamage(error)) return null;
      throw error;
    }
  }

  async resolve(tree: ObjectId, depth = 0): Promise<ObjectId | null> {
    const key = `${depth} ${tree}`;
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const entry = (await this.#entries(tree)).find((candidate) => candidate.name === this.#names[depth]);
    const isLast = depth === this.#names.length - 1;
    let found: ObjectId | null = null;
    if (entry !== undefined && isLast) found = entry.id;
    else if (entry?.mode === fileModes.tree) found = await this.resolve(entry.id, depth + 1);
    this.#resolved.set(key, found);
    return found;
  }

  /** Old histories hold trees that git itself would refuse today: nothing is known of a path there. */
  async #entries(tree: ObjectId): Promise<readonly TreeEntry[]> {
    try {
      return decodeTree((await this.#reader.read(tree, this.#readOptions)).content);
    } catch (error) {
      if (isDamage(error)) return [];
      throw error;
    }
  }
}

function touchOf(id: ObjectId, commit: DecodedCommit, object: ObjectId | null): CommitTouch {
  const message = byteStringOf(commit.message);
  const end = message.indexOf('\n');
  return {
    commit: id,
    committedAt: commit.committer?.timeSeconds ?? null,
    author: commit.author?.name ?? '',
    subject: end < 0 ? message : message.slice(0, end),
    object,
  };
}
