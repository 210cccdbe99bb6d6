import { parentPort, workerData } from 'node:worker_threads';
import { isHoldfastError } from '../../model/errors.ts';
import type { PackableObject, SealedPack } from '../../ports/object-writer.ts';
import { DeltaPacker, type DeltaPackerOptions } from './delta-packer.ts';

export type DeltaJob =
  | { readonly kind: 'add'; readonly batch: readonly PackableObject[] }
  | { readonly kind: 'finish' };

/** One for each job, in the order they came. */
export type DeltaAnswer =
  | { readonly packs: readonly SealedPack[] }
  | { readonly error: { readonly code: string; readonly message: string } };

// Looking for deltas is the slowest work there is here; in a thread it does not stop the reading of what comes next.
const packer = new DeltaPacker(workerData as DeltaPackerOptions);

parentPort?.on('message', (job: DeltaJob) => {
  parentPort?.postMessage(answer(job));
});

function answer(job: DeltaJob): DeltaAnswer {
  try {
    if (job.kind === 'finish') return { packs: packer.finish() };
    for (const object of job.batch) packer.add(object);
    return { packs: [] };
  } catch (error) {
    if (isHoldfastError(error)) return { error: { code: error.code, message: error.message } };
    return { error: { code: 'invariant_broken', message: String(error) } };
  }
}
