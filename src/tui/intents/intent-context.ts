import type { Deps } from '../../engine/deps.ts';
import { openPointReader } from '../../engine/store-view.ts';
import { displayText } from '../../format/display-name.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { OpenedReader } from '../../ports/object-access.ts';
import type { TuiServices } from '../services.ts';
import type { Action, Failure, Result } from '../state/actions.ts';

/** What work has at hand. */
export interface IntentContext {
  readonly deps: Deps;
  readonly services: TuiServices;
  /** Newest first. */
  readonly points: () => readonly RestorePoint[];
  /** A reader over everything the points need, opened once as long as they stay the same. */
  readonly reader: () => Promise<OpenedReader>;
  readonly dispatch: (action: Action) => void;
}

/** Keeps the reader until the points change: opening one reads the index of every pack. */
export function createReaderCache(deps: Deps, points: () => readonly RestorePoint[]): () => Promise<OpenedReader> {
  let opened: { points: readonly RestorePoint[]; reader: Promise<OpenedReader> } | null = null;
  return async () => {
    const now = points();
    if (opened?.points !== now) {
      const reader = openPointReader(deps, now);
      opened = { points: now, reader };
      // A failure is not kept: the store may answer next time.
      reader.catch(() => {
        opened = null;
      });
    }
    return opened!.reader;
  };
}

/** What came of reading something: its value, or why not. Being stopped is neither, and stays an error. */
export async function resultOf<T>(signal: AbortSignal, read: () => Promise<T>): Promise<Result<T>> {
  try {
    const value = await read();
    signal.throwIfAborted();
    return { value };
  } catch (error) {
    if (signal.aborted) throw error;
    return { failure: failureOf(error) };
  }
}

/** An error in words. What is no error of ours is a bug, and says so. */
export function failureOf(error: unknown): Failure {
  if (isHoldfastError(error)) return { message: displayText(error.message), hint: displayText(error.hint ?? '') };
  const text = error instanceof Error ? error.message : String(error);
  return { message: `holdfast made a mistake: ${displayText(text)}`, hint: 'The vault was not touched.' };
}
