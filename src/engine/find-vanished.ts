import type { ByteString } from '../lib/bytes.ts';
import { diffTrees, type TreeSide } from './diff-trees.ts';
import { findEntry } from './find-path.ts';

export interface Vanished {
  /** Every file and link that is gone, in byte order. */
  readonly files: readonly ByteString[];
  /** The same as few paths as possible: a folder of which nothing is left stands for all it held. */
  readonly paths: readonly ByteString[];
}

/** Finds what one side has and the other has no longer: the paths, whatever became of their contents elsewhere. */
export async function findVanished(
  good: TreeSide,
  after: TreeSide,
  options: { readonly except?: ByteString | undefined; readonly signal?: AbortSignal | undefined },
): Promise<Vanished> {
  const changes = await diffTrees(good, after, options);
  const files = changes.filter(({ kind }) => kind === 'removed').map(({ path }) => path);
  const paths = new Set<ByteString>();
  const isGone = new Map<ByteString, boolean>();
  for (const file of files) paths.add(await outermostGone(file, { after, isGone }));
  return { files, paths: [...paths] };
}

/** The outermost folder above a file of which the other side has nothing; the file itself when all of them still hold something. */
async function outermostGone(
  file: ByteString,
  { after, isGone }: { after: TreeSide; isGone: Map<ByteString, boolean> },
): Promise<ByteString> {
  for (let cut = file.indexOf('/'); cut >= 0; cut = file.indexOf('/', cut + 1)) {
    const folder = file.slice(0, cut);
    let gone = isGone.get(folder);
    if (gone === undefined) {
      // What became a file of that name is no folder any more; what lies in it is gone all the same.
      gone = (await findEntry(after.trees, after.root, folder)) === null;
      isGone.set(folder, gone);
    }
    if (gone) return folder;
  }
  return file;
}
