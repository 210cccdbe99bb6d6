import { parentPort } from 'node:worker_threads';
import { isHoldfastError } from '../../model/errors.ts';
import { copyPack } from './copy-pack.ts';
import { finishPack } from './finish-pack.ts';
import type { PackJob, PackJobAnswer } from './pack-job.ts';

// Hashing and syncing a large pack takes long; here it does not stop the capture of the next one.
parentPort?.on('message', (job: PackJob) => {
  parentPort?.postMessage(answer(job));
});

function answer(job: PackJob): PackJobAnswer {
  try {
    return { pack: job.kind === 'finish' ? finishPack(job) : copyPack(job) };
  } catch (error) {
    if (!isHoldfastError(error))
      return { error: { code: 'invariant_broken', message: String(error), hint: undefined } };
    return { error: { code: error.code, message: error.message, hint: error.hint } };
  }
}
