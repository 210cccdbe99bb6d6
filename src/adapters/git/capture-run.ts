import type { ProblemCode } from '../../model/problem.ts';
import type { ObjectWriter, SealedPack } from '../../ports/object-writer.ts';

export interface CaptureObjectsOptions {
  readonly writer: ObjectWriter;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((objectsDone: number, objectsTotal: number) => void) | undefined;
}

/** One pass over the object folders: what it was given, what it found, how far it is. */
export interface CaptureRun extends CaptureObjectsOptions {
  readonly copiedPacks: SealedPack[];
  /** Trouble that leaves objects out, as sentences. */
  readonly problems: { readonly code: ProblemCode; readonly message: string }[];
  /** Names of objects that are there but cannot be read rightly. */
  readonly damaged: Set<string>;
  /** Files that were listed and gone when their turn came, as a `git gc` does. */
  readonly vanished: string[];
  objectsDone: number;
  objectsTotal: number;
}

export function startRun(options: CaptureObjectsOptions): CaptureRun {
  return {
    ...options,
    copiedPacks: [],
    problems: [],
    damaged: new Set(),
    vanished: [],
    objectsDone: 0,
    objectsTotal: 0,
  };
}

export function addProblem({ problems }: CaptureRun, code: ProblemCode, message: string): void {
  problems.push({ code, message });
}

/** Counts objects as captured, and every few hundred gives the event loop a turn, for signals and progress. */
export async function advance(run: CaptureRun, count: number): Promise<void> {
  const before = run.objectsDone;
  run.objectsDone += count;
  if (Math.floor(before / objectsPerTurn) === Math.floor(run.objectsDone / objectsPerTurn)) return;
  run.onProgress?.(Math.min(run.objectsDone, run.objectsTotal), run.objectsTotal);
  await new Promise((resolve) => setImmediate(resolve));
  run.signal?.throwIfAborted();
}

const objectsPerTurn = 256;
