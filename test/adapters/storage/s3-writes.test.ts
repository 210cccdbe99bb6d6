import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesBody } from '../../contracts/object-storage.contract.ts';
import { addVersion } from '../../support/s3-server/bucket.ts';
import { failure, minutes, recordKey, small, useS3Rig } from '../../support/s3-rig.ts';

const rig = useS3Rig();

describe('S07 a lost reply', () => {
  it('to a create is recognised as our own', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'PutObject', action: { kind: 'drop', when: 'after' } });
    expect(await storage.putIfAbsent(recordKey, bytesBody(small))).toBe('exists');
    expect(rig.versionCount()).toBe(1);
  });

  it('to the end of a large upload is recognised as our own', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'CompleteMultipartUpload', action: { kind: 'drop', when: 'after' } });
    expect(await storage.putIfAbsent(recordKey, rig.fileBody(randomBytes(17 << 20)))).toBe('exists');
    expect(rig.versionCount()).toBe(1);
    expect(rig.server.bucket.uploads.size).toBe(0);
  });

  it('does not hide that somebody else took the key', async () => {
    const storage = await rig.openLearnt();
    addVersion(rig.server.bucket, `store/${recordKey}`, { bytes: Buffer.from('somebody else') });
    expect(await failure(storage.putIfAbsent(recordKey, bytesBody(small)))).toMatchObject({ code: 'storage_conflict' });
    expect(rig.stored()?.toString()).toBe('somebody else');
  });
});

describe('S08 a put that was acknowledged and not kept', () => {
  it.each([
    ['not at all', {}],
    ['in part', { keepBytes: 3 }],
  ])('(%s) is found by reading back', async (_name, kept) => {
    rig.server.behaviour.checksums = 'silent';
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'PutObject', action: { kind: 'lose_put', ...kept } });
    expect(await failure(storage.putIfAbsent(recordKey, bytesBody(small)))).toMatchObject({
      code: 'storage_answer_invalid',
    });
    expect(
      await failure(
        storage.put('logs/m/2026-04.ndjson', bytesBody(small)).then(() => Promise.reject(new Error('kept'))),
      ),
    ).toMatchObject({ message: 'kept' });
  });

  it('is found after a large upload', async () => {
    rig.server.behaviour.checksums = 'silent';
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'CompleteMultipartUpload', action: { kind: 'lose_put' } });
    const error = await failure(storage.putIfAbsent(recordKey, rig.fileBody(randomBytes(17 << 20))));
    expect(error).toMatchObject({ code: 'storage_answer_invalid' });
  });

  it('is found when the ETag is no digest: everything is read back', async () => {
    rig.server.behaviour.checksums = 'silent';
    const storage = await rig.openLearnt();
    await storage.put(recordKey, bytesBody(small));
    rig.server.requests.length = 0;
    rig.server.faults.add({
      operation: 'HeadObject',
      action: { kind: 'answer', status: 200, headers: { etag: '"0000"', 'content-length': String(small.length) } },
    });
    await storage.put(recordKey, bytesBody(small));
    expect(rig.operations()).toEqual(['PutObject', 'HeadObject', 'GetObject']);
  });
});

describe('S09 an upload left unfinished', () => {
  it('is aborted when it is ours and old enough', async () => {
    const storage = await rig.openLearnt();
    const hour = 60 * minutes;
    const begin = (fullKey: string, id: string, ageMs: number): void => {
      const initiatedAt = new Date(rig.clock.now().getTime() - ageMs);
      rig.server.bucket.uploads.set(id, { id, key: fullKey, hasChecksum: false, initiatedAt, parts: new Map() });
    };
    begin('store/packs/old', 'a', 25 * hour);
    begin('store/packs/young', 'b', hour);
    begin('store2/packs/old', 'c', 25 * hour);
    begin('theirs', 'd', 25 * hour);
    expect(await storage.abortStaleUploads({ olderThanMs: 24 * hour })).toBe(1);
    expect([...rig.server.bucket.uploads.keys()]).toEqual(['b', 'c', 'd']);
  });

  it('is not left behind by a failure', async () => {
    const storage = await rig.openLearnt({ retryWindowMs: 0 });
    rig.server.faults.add({
      operation: 'UploadPart',
      from: 2,
      action: { kind: 'answer', status: 403, code: 'AccessDenied' },
    });
    expect(await failure(storage.putIfAbsent(recordKey, rig.fileBody(randomBytes(30 << 20))))).toMatchObject({
      code: 'access_denied',
    });
    expect(rig.server.bucket.uploads.size).toBe(0);
    expect(rig.stored()).toBeNull();
  });
});

describe('S16 a conflict of conditions', () => {
  it.each(['ConditionalRequestConflict', 'OperationAborted'])('(409 %s) is tried again', async (code) => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'PutObject', action: { kind: 'answer', status: 409, code } });
    expect(await storage.putIfAbsent(recordKey, bytesBody(small))).toBe('created');
    expect(rig.versionCount()).toBe(1);
  });
});

describe('S20 a full storage', () => {
  it('refuses writes and still reads', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'PutObject', action: { kind: 'answer', status: 403, code: 'QuotaExceeded' } });
    expect(await failure(storage.putIfAbsent(recordKey, bytesBody(small)))).toMatchObject({
      code: 'access_denied',
      kind: 'access',
    });
    expect(Buffer.from(await storage.get('holdfast.json'))).toEqual(small);
  });
});
