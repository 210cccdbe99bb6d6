import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { EntryBatch } from '../../../format/git/entry-batch.ts';
import { FileEncoder } from './file-encoder.ts';
import { type IngestJob, makeIngestResult } from './ingest-job.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './ingest-pool.ts';
import { searchTable } from './known-table.ts';

/** Batches sent and not yet taken by the writer: what bounds memory when the disk is slower than the reading. */
const batchesUnderWayMax = 2;

if (parentPort === null) throw new Error('The reading thread was not started as a thread.');
const port = parentPort;
const setup = workerData as WorkerSetup;
const encoder = new FileEncoder({ ...setup, isShared: true, isKnown: searchTable(setup.known) });
/** In the order they were sent, which is the order they are taken in. */
const batchesUnderWay: EntryBatch[] = [];
let working: Promise<void> = Promise.resolve();

port.on('message', (message: ToWorker) => {
  if (message.kind === 'taken') encoder.takeBack(batchesUnderWay.shift()!);
  // A failure is left unhandled on purpose: it ends the thread and reaches the pool as its error.
  else working = working.then(() => work(message.job));
});

async function work(job: IngestJob): Promise<void> {
  const result = makeIngestResult(job.inodes.length);
  for (const batch of encoder.encode(job, result)) {
    batchesUnderWay.push(batch);
    send({ kind: 'objects', objects: batch.view(), bytesRead: encoder.takeBytesRead() });
    while (batchesUnderWay.length >= batchesUnderWayMax) await once(port, 'message');
  }
  send({ kind: 'done', result, bytesRead: encoder.takeBytesRead() });
}

function send(message: FromWorker): void {
  port.postMessage(message);
}
