import { type CommitFields, encodeCommit } from '../format/git/commit-codec.ts';
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
  const { git } = options;
  const person = {
    name: 'holdfast',
    email: `holdfast@${options.identity.machine.name}`,
    timeSeconds: Math.floor(options.takenAt.getTime() / 1000),
    zone: '+0000',
  };
  const fields = { author: person, committer: person } satisfies Partial<CommitFields>;
  const metadata = writer.add(
    'commit',
    encodeCommit({
      ...fields,
      tree: trees.rootMetadata,
      parents: [],
      message: `holdfast metadata: ${options.label}\n`,
    }),
  );
  const parents = git?.head != null && git.historyComplete ? [git.head, metadata] : [metadata];
  const commit = writer.add(
    'commit',
    encodeCommit({ ...fields, tree: trees.rootTree, parents, message: `${options.label}\n` }),
  );
  return { commit, metadata };
}
