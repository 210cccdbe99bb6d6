import { describe, expect, test } from 'vitest';
import { IngestPool, type WorkerSetup } from '../../../../src/adapters/vault/ingest/ingest-pool.ts';

const setup: WorkerSetup = { root: '/nowhere', chunkAbove: 1, appendedFile: null, known: new SharedArrayBuffer(0) };

describe('IngestPool', () => {
  test('names a thread that died, instead of waiting for it for ever', async () => {
    const broken = { ...setup, known: -1 } as unknown as WorkerSetup;
    await using pool = new IngestPool(broken, { workerCount: 2 });
    await expect(pool.next()).rejects.toThrow(expect.objectContaining({ code: 'invariant_broken' }));
    await expect(pool.next()).rejects.toThrow(expect.objectContaining({ code: 'invariant_broken' }));
  });

  test('wakes up when the signal fires while it waits', async () => {
    const controller = new AbortController();
    await using pool = new IngestPool(setup, { workerCount: 1, signal: controller.signal });
    const waiting = pool.next();
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('answers a job with what became of each file', async () => {
    await using pool = new IngestPool(setup, { workerCount: 1 });
    const job = { paths: 'a\0b', inodes: new Float64Array(2), areLinks: Uint8Array.of(0, 1) };
    pool.send(0, { kind: 'job', job });
    const { worker, message } = await pool.next();
    expect(worker).toBe(0);
    expect(message).toMatchObject({ kind: 'done', bytesRead: 0, result: { outcomes: Uint8Array.of(1, 1) } });
  });
});
