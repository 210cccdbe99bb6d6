import { encodeCommit, gitIdentity } from '../format/git/commit-codec.ts';
import type { ObjectId } from '../model/ids.ts';
import type { GitState } from '../model/snapshot.ts';
import type { ObjectWriter } from '../ports/object-writer.ts';
import type { BuiltTrees } from './build-trees.ts';
import type { Identity } from './deps.ts';

export interface CommitOptions {
  readonly identity: Identity;
  readonly takenAt: Date;
  readonly label: string;
  readonly git: GitState | null;
}

/**
 * Adds the metadata commit and the snapshot commit, shaped like `git stash`: the snapshot's parents are the user's
 * HEAD (so that `git log` shows the real history beneath it) and the metadata commit, always last. HEAD is a parent only
 * when the whole history is in the store: a parent that is missing would fail `git fsck`. Never the previous snapshot:
 * any snapshot must be droppable.
 */
export function addCommits(
  writer: ObjectWriter,
  trees: BuiltTrees,
  options: CommitOptions,
): { readonly commit: ObjectId; readonly metadata: ObjectId } {
  const { git, identity } = options;
  const holdfast = gitIdentity({ name: 'holdfast', email: `holdfast@${identity.machine.name}` }, options.takenAt);
  const add = (tree: ObjectId, parents: readonly ObjectId[], message: string): ObjectId =>
    writer.add(
      'commit',
      encodeCommit({ tree, parents, author: holdfast, committer: holdfast, message: Buffer.from(message) }),
    );
  const metadata = add(trees.rootMetadata, [], `holdfast metadata: ${options.label}\n`);
  const parents = git?.head != null && git.historyComplete ? [git.head, metadata] : [metadata];
  const commit = add(trees.rootTree, parents, `${options.label}\n`);
  return { commit, metadata };
}
