import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { FileEncoder } from './file-encoder.ts';
import { type IngestJob, makeIngestResult } from './ingest-job.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './ingest-pool.ts';
import { searchTable } from './known-table.ts';

/** Batches sent and not yet taken by the writer: what bounds memory when the disk is slower than the reading. */
const batchesUnderWayMax = 3;

if (parentPort === null) throw new Error('The reading thread was not started as a thread.');
const port = parentPort;
const setup = workerData as WorkerSetup;
const encoder = new FileEncoder({ ...setup, isKnown: searchTable(setup.known) });
let batchesUnderWay = 0;
let working: Promise<void> = Promise.resolve();

port.on('message', (message: ToWorker) => {
  if (message.kind === 'taken') batchesUnderWay--;
  // A failure is left unhandled on purpose: it ends the thread and reaches the pool as its error.
  else working = working.then(() => work(message.job));
});

async function work(job: IngestJob): Promise<void> {
  const result = makeIngestResult(job.inodes.length);
  for (const objects of encoder.encode(job, result)) {
    batchesUnderWay++;
    send({ kind: 'objects', objects, bytesRead: encoder.takeBytesRead() }, [objects.bytes.buffer as ArrayBuffer]);
    while (batchesUnderWay >= batchesUnderWayMax) await once(port, 'message');
  }
  send({ kind: 'done', result, bytesRead: encoder.takeBytesRead() }, []);
}

function send(message: FromWorker, transferred: ArrayBuffer[]): void {
  port.postMessage(message, transferred);
}
