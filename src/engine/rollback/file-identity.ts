import type { CapturedFile, PlacedFile } from '../../format/rollback-journal.ts';
import type { LiveEntry, LiveMover, Place } from '../../ports/live-tree.ts';
import { isSameTime } from './entry-states.ts';

/**
 * True when the live file is the one that was captured: by its times and inode where they prove it, else by reading it. A file
 * kept in chunks has no single name to compare, so there size, time and inode must do.
 */
export function isCaptured(mover: LiveMover, place: Place, found: LiveEntry, before: CapturedFile): boolean {
  if (found.kind !== before.kind || found.sizeBytes !== before.sizeBytes) return false;
  if (found.kind === 'file' && found.permissions !== before.permissions) return false;
  const isSameFile = found.inode === before.inode && found.mtimeMs === before.mtimeMs;
  if (isSameFile && found.ctimeMs === before.ctimeMs && !before.racy) return true;
  if (before.chunked) return isSameFile;
  return mover.blobId(place) === before.id;
}

/** True when the file is the one that was captured, moved since: moving changes the time of its inode. */
export function isCapturedMoved(mover: LiveMover, place: Place, found: LiveEntry, before: CapturedFile): boolean {
  if (found.kind !== before.kind || found.sizeBytes !== before.sizeBytes) return false;
  if (found.inode === before.inode && found.mtimeMs === before.mtimeMs) return true;
  return before.chunked ? isSameTime(found.mtimeMs, before.mtimeMs) : mover.blobId(place) === before.id;
}

/** True when the file is the copy that was staged, untouched since it was put where it is. */
export function isPlaced(mover: LiveMover, place: Place, found: LiveEntry, after: PlacedFile): boolean {
  const { staged } = after;
  if (staged === null || found.kind !== after.kind || found.sizeBytes !== staged.sizeBytes) return false;
  if (found.inode === staged.inode && found.mtimeMs === staged.mtimeMs) return true;
  return after.chunked ? isSameTime(found.mtimeMs, staged.mtimeMs) : mover.blobId(place) === after.id;
}
