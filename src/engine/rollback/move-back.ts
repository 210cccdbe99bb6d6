import type { FileStep } from '../../format/rollback-journal.ts';
import type { Problem } from '../../model/problem.ts';
import { isCaptured, isCapturedMoved, isPlaced } from './file-identity.ts';
import {
  aside,
  createPace,
  isMade,
  isRemoved,
  isTouch,
  live,
  type MoveContext,
  type Moved,
  settleFolders,
  staged,
  syncFolders,
  unlockFolders,
} from './move-context.ts';

/**
 * Takes back every step of a journal that was done, in the opposite order: staged files go back to where they waited, set-aside
 * ones to where they were. A file somebody changed since stays as it is and is named, for it is newer than either side. Can be
 * called again after any interruption.
 */
export async function moveBack(context: MoveContext): Promise<Moved> {
  const { mover, journal } = context;
  const step = createPace(context);
  const problems: Problem[] = [];
  unlockFolders(context);
  for (const file of journal.files.toReversed()) {
    if (file.after === null || isTouch(file)) continue;
    step();
    takeBack(context, file);
  }
  for (const folder of journal.folders.toReversed()) if (isMade(folder)) mover.removeFolder(live(folder.path));
  for (const folder of journal.folders) if (isRemoved(folder)) mover.makeFolder(live(folder.path));
  for (const file of journal.files) {
    if (file.before === null) continue;
    if (file.after === null) step();
    const problem = isTouch(file) ? untouch(context, file) : putBack(context, file);
    if (problem !== null) problems.push({ path: file.path, code: 'left_alone', message: problem });
  }
  settleFolders(context, 'before');
  await syncFolders(context);
  return { problems };
}

/** Moves a staged file from the vault back to where it waited, unless what it replaced is gone: better the other than none. */
function takeBack({ mover }: MoveContext, { path, before, after }: FileStep): void {
  const here = live(path);
  const found = mover.look(here);
  if (found === null || !isPlaced(mover, here, found, after!)) return;
  if (before !== null && mover.look(aside(path)) === null) return;
  const copy = staged(after!.staged!.number);
  const waiting = mover.look(copy);
  if (waiting?.inode === found.inode) mover.dropTwin(here, copy);
  // On another file system the copy stayed where it was: this one goes beside it.
  else mover.move(here, waiting === null ? copy : { in: 'work', path: `taken-back/${path}` });
}

const lost = 'what it replaced is gone from the holding directory; it is in the safety snapshot';

/** Moves a set-aside file back; returns why it could not be. */
function putBack({ mover }: MoveContext, { path, before, after }: FileStep): string | null {
  const here = live(path);
  const kept = aside(path);
  const found = mover.look(here);
  const waiting = mover.look(kept);
  if (found !== null && waiting !== null && found.inode === waiting.inode && found.kind === 'file') {
    mover.dropTwin(kept, here);
    return null;
  }
  if (found !== null) {
    if (isCaptured(mover, here, found, before!) || isCapturedMoved(mover, here, found, before!)) return null;
    if (waiting === null && after !== null && isPlaced(mover, here, found, after)) return lost;
    return waiting === null
      ? 'changed since, and left as it is'
      : `changed since; as it was before it is in ${kept.path}`;
  }
  // Never set aside, and gone from its place: somebody removed it.
  if (waiting === null) return 'gone since; it is in the safety snapshot';
  return mover.move(kept, here) ? null : `could not be put back; it is in ${kept.path}`;
}

function untouch({ mover }: MoveContext, { path, before }: FileStep): string | null {
  const here = live(path);
  const found = mover.look(here);
  if (found === null || found.kind !== before!.kind || found.inode !== before!.inode)
    return 'changed since, and left as it is';
  if (found.sizeBytes !== before!.sizeBytes) return 'changed since, and left as it is';
  const { kind, permissions, mtimeMs } = before!;
  mover.set(here, { permissions: kind === 'link' ? null : permissions, mtimeMs });
  return null;
}
