import { displayName } from '../../format/display-name.ts';
import type { FileStep, FolderStep, RollbackJournal } from '../../format/rollback-journal.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import type { LiveMover, Place } from '../../ports/live-tree.ts';
import { stagedPath } from './stage-target.ts';

/** What moving files needs; the same for going on and for going back. */
export interface MoveContext {
  readonly mover: LiveMover;
  readonly journal: RollbackJournal;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What moving left as it is. */
export interface Moved {
  readonly problems: readonly Problem[];
}

export function live(path: ByteString): Place {
  return { in: 'vault', path };
}

/** Where the live file of a step is kept: under its own path, so that people find it. */
export function aside(path: ByteString): Place {
  return { in: 'work', path: `set-aside/${path}` };
}

export function staged(number: number): Place {
  return { in: 'work', path: stagedPath(number) };
}

export function liveChanged(path: ByteString): HoldfastError {
  return new HoldfastError(
    'live_changed',
    `"${displayName(path)}" was changed after the safety snapshot, so the rollback stopped before it.`,
    { data: { path: displayName(path) } },
  );
}

export function stagedGone(path: ByteString): HoldfastError {
  return new HoldfastError(
    'rollback_stopped',
    `The copy of "${displayName(path)}" that waited in the holding directory is gone, so the rollback cannot be finished.`,
    { data: { path: displayName(path) } },
  );
}

/** Lets us work in folders their owner may not write to; `settleFolders` puts the permissions right. From the top down. */
export function unlockFolders({ mover, journal }: MoveContext): void {
  for (const { path } of journal.folders) {
    const found = mover.look(live(path));
    if (found?.kind !== 'folder' || (found.permissions & 0o700) === 0o700) continue;
    mover.set(live(path), { permissions: found.permissions | 0o700, mtimeMs: null });
  }
}

/** Gives folders the permissions and times of one side, deepest first: what is done in a folder changes its time. */
export function settleFolders({ mover, journal }: MoveContext, side: 'before' | 'after'): void {
  for (const step of journal.folders.toReversed()) {
    // A folder of the other side that had to stay, because it holds what is not captured, looks as it did.
    const state = step[side] ?? step[side === 'after' ? 'before' : 'after'];
    if (state !== null && mover.look(live(step.path))?.kind === 'folder') mover.set(live(step.path), state);
  }
}

/** Makes every name durable that a rollback may have changed. */
export async function syncFolders({ mover, journal }: MoveContext): Promise<void> {
  const vault = new Set<ByteString>(['']);
  const work = new Set<ByteString>(['', 'set-aside']);
  for (const { path } of [...journal.folders, ...journal.files]) vault.add(parentOf(path));
  for (const { path, before } of journal.files) {
    if (before === null) continue;
    for (let at = parentOf(`set-aside/${path}`); at !== '' && !work.has(at); at = parentOf(at)) work.add(at);
  }
  await mover.sync([...vault].map(live));
  await mover.sync([...work].map((path) => ({ in: 'work', path })));
}

export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function isTouch({ before, after }: FileStep): boolean {
  return before !== null && after !== null && after.staged === null;
}

export function isMade(step: FolderStep): boolean {
  return step.before === null;
}

export function isRemoved(step: FolderStep): boolean {
  return step.after === null;
}

/** Stops between two steps, never within one, and tells how far it is. */
export function createPace({ journal, signal, onProgress }: MoveContext): () => void {
  let done = 0;
  const total = journal.files.length;
  return () => {
    signal?.throwIfAborted();
    if (done % 256 === 0) onProgress?.(done, total);
    done++;
  };
}
