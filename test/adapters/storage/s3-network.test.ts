import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { bytesBody } from '../../contracts/object-storage.contract.ts';
import { failure, listKeys, minutes, recordKey, small, useS3Rig } from '../../support/s3-rig.ts';
import { selfSigned } from '../../support/s3-server/self-signed.ts';
import { startS3Server } from '../../support/s3-server/start-s3-server.ts';

const rig = useS3Rig();

describe('S01 a busy or failing storage', () => {
  it.each([500, 502, 503, 504, 429])('is asked again after %i', async (status) => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'PutObject', times: 3, action: { kind: 'answer', status } });
    expect(await storage.putIfAbsent(recordKey, bytesBody(small))).toBe('created');
    expect(rig.clock.slept).toHaveLength(3);
    expect(rig.retries).toHaveLength(3);
    expect(rig.versionCount()).toBe(1);
  });

  it('is given the time it asks for', async () => {
    const storage = await rig.openLearnt();
    const headers = { 'retry-after': '8' };
    rig.server.faults.add({ action: { kind: 'answer', status: 503, code: 'SlowDown', headers } });
    await storage.putIfAbsent(recordKey, bytesBody(small));
    expect(rig.clock.slept).toEqual([8000]);
    expect(rig.retries[0]?.reason).toContain('SlowDown');
  });

  it('is given up after 15 minutes, and nothing is half visible', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({
      operation: 'PutObject',
      times: Infinity,
      action: { kind: 'answer', status: 503, code: 'SlowDown' },
    });
    const error = await failure(storage.putIfAbsent(recordKey, bytesBody(small)));
    expect(error).toMatchObject({ code: 'storage_throttled', kind: 'storage' });
    expect(rig.sleptMs()).toBeGreaterThan(13 * minutes);
    expect(rig.sleptMs()).toBeLessThanOrEqual(15 * minutes);
    rig.server.faults.clear();
    expect(await listKeys(storage)).toEqual(['holdfast.json']);
  });

  it('waits longer each time, within limits, with jitter', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'GetObject', times: 12, action: { kind: 'answer', status: 500 } });
    await storage.get('holdfast.json');
    expect(rig.clock.slept).toEqual([...rig.clock.slept].sort((a, b) => a - b));
    expect(Math.max(...rig.clock.slept)).toBeLessThanOrEqual(30_000);
  });
});

describe('S02 a storage that cannot be reached', () => {
  it('is named within 30 seconds when it refuses connections', async () => {
    const url = rig.server.storeUrl();
    const other = await startS3Server();
    const gone = url.replace(rig.server.endpoint, other.endpoint);
    await other[Symbol.asyncDispose]();
    const storage = await rig.open({ url: gone });
    const error = await failure(storage.get(recordKey));
    expect(error).toMatchObject({ code: 'storage_unavailable' });
    expect(error.message).toContain('ECONNREFUSED');
    expect(rig.sleptMs()).toBeLessThan(30_000);
  });

  it('is asked for the whole window when it has answered before', async () => {
    const storage = await rig.openLearnt();
    await rig.server[Symbol.asyncDispose]();
    await failure(storage.get(recordKey));
    expect(rig.sleptMs()).toBeGreaterThan(10 * minutes);
    rig.server = await startS3Server();
  });

  it('is not asked again, and never over http, when its certificate is wrong', async () => {
    await using secure = await startS3Server({ tls: selfSigned });
    const storage = await rig.open({ url: secure.storeUrl() });
    const error = await failure(storage.get(recordKey));
    expect(error).toMatchObject({ code: 'storage_unavailable' });
    expect(error.message).toMatch(/certificate.*DEPTH_ZERO_SELF_SIGNED_CERT/);
    expect(rig.clock.slept).toEqual([]);
    expect(secure.requests).toEqual([]);
  });
});

describe('S03 a reset during upload', () => {
  it('is tried again', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'PutObject', times: 2, action: { kind: 'drop', when: 'before' } });
    expect(await storage.putIfAbsent(recordKey, bytesBody(small))).toBe('created');
    expect(rig.stored()).toEqual(small);
  });

  it('costs one part of a large upload, not all', async () => {
    const storage = await rig.openLearnt();
    const bytes = randomBytes(20 << 20);
    rig.server.faults.add({ operation: 'UploadPart', from: 2, action: { kind: 'drop', when: 'before' } });
    await storage.putIfAbsent(recordKey, rig.fileBody(bytes));
    expect(rig.stored()?.equals(bytes)).toBe(true);
    expect(rig.server.requests.filter((one) => one.startsWith('UploadPart'))).toHaveLength(4);
    expect(rig.server.requests.filter((one) => one.startsWith('CreateMultipart'))).toHaveLength(1);
  });
});

describe('S04 a reset during download', () => {
  it.each(['reset', 'fin'] as const)('(%s) is tried again', async (how) => {
    const storage = await rig.openLearnt();
    const bytes = randomBytes(100_000);
    await storage.putIfAbsent(recordKey, bytesBody(bytes));
    rig.server.faults.add({ operation: 'GetObject', times: 2, action: { kind: 'truncate', bytes: 70_000, how } });
    expect(bytes.equals(await storage.get(recordKey))).toBe(true);
    rig.server.faults.add({ operation: 'GetObject', action: { kind: 'truncate', bytes: 5, how } });
    const range = { start: 50, end: 90 };
    expect(bytes.subarray(50, 90).equals(await storage.get(recordKey, { range }))).toBe(true);
  });
});

describe('S05 a stall', () => {
  it.each([
    ['without an answer', { kind: 'stall' } as const],
    ['in the middle of a body', { kind: 'stall', afterBytes: 5 } as const],
  ])('%s is cut and tried again', async (_name, action) => {
    const storage = await rig.openLearnt({ idleTimeoutMs: 100 });
    rig.server.faults.add({ operation: 'GetObject', action });
    expect(Buffer.from(await storage.get('holdfast.json'))).toEqual(small);
    expect(rig.retries[0]?.reason).toContain('stalled');
  });

  it('that never ends is storage_timeout', async () => {
    const storage = await rig.openLearnt({ idleTimeoutMs: 50, retryWindowMs: 1000 });
    rig.server.faults.add({ operation: 'GetObject', times: Infinity, action: { kind: 'stall', afterBytes: 5 } });
    expect(await failure(storage.get('holdfast.json'))).toMatchObject({ code: 'storage_timeout', kind: 'storage' });
  });

  it('in a listing and in an upload is cut too', async () => {
    const storage = await rig.openLearnt({ idleTimeoutMs: 100 });
    rig.server.faults.add({ operation: 'ListObjectsV2', action: { kind: 'stall', afterBytes: 30 } });
    expect(await listKeys(storage)).toEqual(['holdfast.json']);
    rig.server.faults.add({ operation: 'PutObject', action: { kind: 'stall' } });
    await storage.putIfAbsent(recordKey, bytesBody(small));
    expect(rig.stored()).toEqual(small);
  });
});

describe('clocks', () => {
  it('a year apart are made up for', async () => {
    rig.server.clockOffsetMs = 365 * 24 * 60 * minutes;
    const storage = await rig.open();
    await storage.put(recordKey, bytesBody(small));
    expect(rig.stored()).toEqual(small);
    expect(rig.clock.slept).toEqual([]);
  });

  it('that cannot be made up for are clock_rejected', async () => {
    const storage = await rig.open();
    rig.server.faults.add({ times: 2, action: { kind: 'answer', status: 403, code: 'RequestTimeTooSkewed' } });
    expect(await failure(storage.get(recordKey))).toMatchObject({ code: 'clock_rejected', kind: 'access' });
  });
});

describe('Q09 a signal', () => {
  it('ends a stalled read at once', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'GetObject', action: { kind: 'stall', afterBytes: 3 } });
    const controller = new AbortController();
    const reading = failure(storage.get('holdfast.json', { signal: controller.signal }));
    await vi.waitFor(() => expect(rig.server.requests).toHaveLength(1));
    controller.abort(new Error('stop'));
    expect((await reading).message).toBe('stop');
  });

  it('ends a large upload at once and leaves nothing behind', async () => {
    const storage = await rig.openLearnt();
    const controller = new AbortController();
    rig.server.faults.add({ operation: 'UploadPart', from: 2, times: Infinity, action: { kind: 'stall' } });
    const uploading = failure(
      storage.putIfAbsent(recordKey, rig.fileBody(randomBytes(40 << 20)), { signal: controller.signal }),
    );
    await vi.waitFor(() =>
      expect(rig.server.requests.filter((one) => one.startsWith('UploadPart')).length).toBeGreaterThan(1),
    );
    controller.abort(new Error('stop'));
    expect((await uploading).message).toBe('stop');
    expect(rig.server.bucket.uploads.size).toBe(0);
    expect(rig.stored()).toBeNull();
  });

  it('ends the wait for another try', async () => {
    const controller = new AbortController();
    const storage = await rig.openLearnt({
      clock: { ...rig.clock, sleep: () => (controller.abort(new Error('stop')), Promise.reject(new Error('stop'))) },
    });
    rig.server.faults.add({ action: { kind: 'answer', status: 503 } });
    expect((await failure(storage.get(recordKey, { signal: controller.signal }))).message).toBe('stop');
  });
});
