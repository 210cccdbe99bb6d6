import { parentPort, workerData } from 'node:worker_threads';
import { mapFsError } from '../fs/map-fs-error.ts';
import type { UmaskMemo } from './create-file.ts';
import type { RestoreRoot } from './own-folder.ts';
import { runWriteJob } from './run-write-job.ts';
import type { WriteFinding, WriteJob } from './write-job.ts';

/** What a worker answers to each job, in the order it got them. */
export type WriteAnswer =
  | { readonly kind: 'written'; readonly findings: readonly WriteFinding[] }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };

const port = parentPort;
if (port !== null) {
  const root = workerData as RestoreRoot;
  const umask: UmaskMemo = new Map();
  port.on('message', (job: WriteJob) => port.postMessage(answer(root, job, umask)));
}

function answer(root: RestoreRoot, job: WriteJob, umask: UmaskMemo): WriteAnswer {
  try {
    return { kind: 'written', findings: runWriteJob(root, job, umask) };
  } catch (error) {
    const { code, message, hint } = mapFsError(error, 'write the restored files');
    return { kind: 'failed', code, message, hint };
  }
}
