import { parentPort, workerData } from 'node:worker_threads';
import { type PartSetup, type PartTasks, scanPart, transferable } from './scan-part.ts';

// Gets what to scan with at birth, and the tasks in one message once the main thread knows them; answers once.
parentPort!.once('message', (tasks: PartTasks) => {
  const result = scanPart(workerData as PartSetup, tasks);
  parentPort!.postMessage(result, transferable(result));
});
