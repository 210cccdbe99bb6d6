import { parentPort } from 'node:worker_threads';
import { isHoldfastError } from '../../model/errors.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import { sealFile, type SealedFile, type SealJob } from './seal-file.ts';

export type SealAnswer =
  | { readonly sealed: SealedFile }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint: string | undefined } };

// Encrypting and hashing a large pack takes long; here it stops neither the clock nor Ctrl-C.
parentPort?.on('message', (job: SealJob) => {
  parentPort?.postMessage(answer(job));
});

function answer(job: SealJob): SealAnswer {
  try {
    return { sealed: sealFile(job) };
  } catch (thrown) {
    const error = isHoldfastError(thrown) ? thrown : mapFsError(thrown, 'encrypt a pack');
    const isOurs = isHoldfastError(error);
    if (!isOurs) return { error: { code: 'invariant_broken', message: String(error), hint: undefined } };
    return { error: { code: error.code, message: error.message, hint: error.hint } };
  }
}
