import type { FileStep } from '../../format/rollback-journal.ts';
import { isSameTime } from './entry-states.ts';
import { isCaptured, isCapturedMoved, isPlaced } from './file-identity.ts';
import {
  aside,
  createPace,
  isMade,
  isRemoved,
  isTouch,
  live,
  liveChanged,
  stagedGone,
  type MoveContext,
  settleFolders,
  staged,
  syncFolders,
  unlockFolders,
} from './move-context.ts';

/**
 * Does every step of a journal that is not done yet: sets aside what the target lacks, removes empty folders, makes folders,
 * puts the staged files in place of the live ones. Each step first looks where its file is, so that it can be called again after
 * any interruption.
 * @throws {HoldfastError} `live_changed` before a file that is no longer what was captured; everything so far stays journalled
 */
export async function moveForward(context: MoveContext): Promise<void> {
  const { mover, journal } = context;
  const step = createPace(context);
  unlockFolders(context);
  for (const file of journal.files) {
    if (file.after !== null) continue;
    step();
    setAside(context, file);
  }
  for (const folder of journal.folders.toReversed()) if (isRemoved(folder)) mover.removeFolder(live(folder.path));
  for (const folder of journal.folders) if (isMade(folder)) mover.makeFolder(live(folder.path));
  for (const file of journal.files) {
    if (file.after === null) continue;
    step();
    if (isTouch(file)) touch(context, file);
    else place(context, file);
  }
  settleFolders(context, 'after');
  await syncFolders(context);
}

/** Moves the live file out of the way, unless that is done or it is not there any more. */
function setAside({ mover }: MoveContext, { path, before }: FileStep): void {
  const here = live(path);
  const found = mover.look(here);
  // A folder has the name now: the file is set aside, or somebody made one and it will be noticed when something goes there.
  if (found === null || before === null || found.kind === 'folder') return;
  const kept = aside(path);
  if (!isCaptured(mover, here, found, before) || !mover.move(here, kept)) throw liveChanged(path);
  const moved = mover.look(kept);
  if (
    moved !== null &&
    moved.inode === found.inode &&
    moved.sizeBytes === found.sizeBytes &&
    moved.mtimeMs === found.mtimeMs
  )
    return;
  // Replaced or written to between the look and the move. On another file system the copy is another inode.
  if (moved !== null && isCapturedMoved(mover, kept, moved, before)) return;
  mover.move(kept, here);
  throw liveChanged(path);
}

function place(context: MoveContext, step: FileStep): void {
  const { mover } = context;
  const { path, before } = step;
  const after = step.after!;
  const here = live(path);
  const copy = staged(after.staged!.number);
  const found = mover.look(here);
  if (found !== null && isPlaced(mover, here, found, after)) return;
  if (mover.look(copy) === null) throw stagedGone(path);
  if (found !== null) {
    if (before === null || found.kind === 'folder') throw liveChanged(path);
    setAside(context, step);
  }
  // The copy keeps its name in the work folder until everything is durable.
  if (!mover.move(copy, here, { keepName: true })) throw liveChanged(path);
}

function touch({ mover }: MoveContext, { path, before, after }: FileStep): void {
  const here = live(path);
  const found = mover.look(here);
  if (found === null || found.kind !== after!.kind || found.inode !== before!.inode) throw liveChanged(path);
  const isAsKnown =
    isSameTime(found.mtimeMs, before!.mtimeMs) || isSameTime(found.mtimeMs, after!.mtimeMs ?? found.mtimeMs);
  if (found.sizeBytes !== before!.sizeBytes || !isAsKnown) throw liveChanged(path);
  const { permissions, mtimeMs } = after!;
  mover.set(here, { permissions: after!.kind === 'link' ? null : permissions, mtimeMs });
}
