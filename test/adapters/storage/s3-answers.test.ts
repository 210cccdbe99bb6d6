import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { bytesBody } from '../../contracts/object-storage.contract.ts';
import { addVersion } from '../../support/s3-server/bucket.ts';
import { failure, listKeys, recordKey, small, useS3Rig } from '../../support/s3-rig.ts';

const rig = useS3Rig();

describe('S06 a short body whose length fits', () => {
  const range = { start: 0, end: 10 };

  it('is read once more', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'GetObject', action: { kind: 'truncate', bytes: 4, how: 'consistent' } });
    expect(Buffer.from(await storage.get('holdfast.json', { range }))).toEqual(small.subarray(0, 10));
    expect(rig.clock.slept).toEqual([]);
  });

  it('is refused the second time', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({
      operation: 'GetObject',
      times: 2,
      action: { kind: 'truncate', bytes: 4, how: 'consistent' },
    });
    expect(await failure(storage.get('holdfast.json', { range }))).toMatchObject({ code: 'storage_answer_invalid' });
  });

  it('names the key when the stored object itself is too short', async () => {
    const storage = await rig.openLearnt();
    addVersion(rig.server.bucket, 'store/packs/x', { bytes: Buffer.from('short') });
    const error = await failure(storage.get('packs/x', { range }));
    expect(error).toMatchObject({ code: 'object_corrupt', kind: 'integrity', data: { key: 'packs/x' } });
    expect(error.message).toContain('packs/x');
  });
});

describe('S10 a stale listing', () => {
  it('does not hide a new object from a direct read', async () => {
    const storage = await rig.openLearnt();
    await storage.putIfAbsent(recordKey, bytesBody(small));
    rig.server.faults.add({ operation: 'ListObjectsV2', action: { kind: 'stale_list', hideCount: 1 } });
    expect(await listKeys(storage)).toEqual(['holdfast.json']);
    expect(Buffer.from(await storage.get(recordKey))).toEqual(small);
  });
});

describe('S11 a listing that goes wrong', () => {
  const many = Array.from({ length: 7 }, (_, i) => `packs/${i}`);

  beforeEach(() => {
    for (const name of many) addVersion(rig.server.bucket, `store/${name}`, { bytes: small });
  });

  it.each(['none', 'same', 'new'] as const)('ends when the next token is %s', async (token) => {
    const storage = await rig.open({ pageSize: 2 });
    rig.server.faults.add({ operation: 'ListObjectsV2', times: Infinity, action: { kind: 'truncated_list', token } });
    expect(await failure(listKeys(storage))).toMatchObject({ code: 'storage_answer_invalid' });
    expect(rig.server.requests.length).toBeLessThan(100);
  });

  it('goes on where it stopped when a page fails', async () => {
    const storage = await rig.open({ pageSize: 2 });
    rig.server.faults.add({ operation: 'ListObjectsV2', from: 3, action: { kind: 'answer', status: 500 } });
    expect(await listKeys(storage)).toEqual(many);
    expect(rig.clock.slept).toHaveLength(1);
  });

  it('does not pass for whole when a page cannot be had', async () => {
    const storage = await rig.open({ pageSize: 2, retryWindowMs: 0 });
    rig.server.faults.add({
      operation: 'ListObjectsV2',
      from: 3,
      times: Infinity,
      action: { kind: 'answer', status: 500 },
    });
    expect(await failure(listKeys(storage))).toMatchObject({ code: 'storage_unavailable' });
  });

  it('goes on where it stopped with versions, giving each once', async () => {
    const storage = await rig.open({ pageSize: 2 });
    rig.server.faults.add({ operation: 'ListObjectVersions', from: 3, action: { kind: 'answer', status: 500 } });
    const keys: string[] = [];
    for await (const version of storage.versions('')) keys.push(version.key);
    expect(keys).toEqual(many);
  });

  it.each([
    ['a key that was not asked for', ['other/x']],
    ['keys out of order', ['store/b', 'store/a']],
    ['a key twice', ['store/a', 'store/a']],
  ])('is refused with %s', async (_name, keys) => {
    const storage = await rig.open();
    const contents = keys.map((one) => `<Contents><Key>${one}</Key><Size>1</Size></Contents>`).join('');
    const body = `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
    rig.server.faults.add({ action: { kind: 'answer', status: 200, body } });
    expect(await failure(listKeys(storage))).toMatchObject({ code: 'storage_answer_invalid' });
  });

  it('passes over names that cannot be ours', async () => {
    for (const name of ['store/', 'store/.DS_Store', 'store/packs/', 'store/ü', 'store/a\nb']) {
      addVersion(rig.server.bucket, name, { bytes: small });
    }
    expect(await listKeys(await rig.open())).toEqual(many);
  });
});

describe('S12 an object behind a delete marker', () => {
  it('is told with the time, and how to get it back', async () => {
    const storage = await rig.openLearnt();
    await storage.putIfAbsent(recordKey, bytesBody(small));
    addVersion(rig.server.bucket, `store/${recordKey}`, { bytes: null });
    const error = await failure(storage.get(recordKey));
    expect(error).toMatchObject({ code: 'object_missing', data: { recoverable: true } });
    expect(error.message).toMatch(/was deleted at \d{4}-.*recoverable/);
    expect(error.hint).toContain('delete marker');
  });
});

describe('S13, S14 versions', () => {
  it.each([
    ['Enabled', 'on'],
    ['Suspended', 'suspended'],
    [null, 'off'],
  ] as const)('%s is %s', async (state, expected) => {
    rig.server.bucket.versioning = state;
    expect(await (await rig.open()).versioning()).toBe(expected);
  });

  it('are turned on with 30 days for prior ones, below the prefix only', async () => {
    rig.server.bucket.versioning = null;
    expect(await (await rig.open()).enableVersioning()).toBe('on');
    expect(rig.server.bucket.lifecycle).toContain('<ID>holdfast-noncurrent-30d-store</ID>');
    expect(rig.server.bucket.lifecycle).toMatch(/<Prefix>store\/<\/Prefix>/);
    expect(rig.server.bucket.lifecycle).toMatch(/<NoncurrentDays>30<\/NoncurrentDays>/);
    const first = rig.server.bucket.lifecycle;
    await (await rig.open()).enableVersioning();
    expect(rig.server.bucket.lifecycle).toBe(first);
  });

  it('keep the rules that are there', async () => {
    rig.server.bucket.lifecycle =
      '<LifecycleConfiguration><Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix>logs/</Prefix></Filter>' +
      '<Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>';
    await (await rig.open()).enableVersioning();
    expect(rig.server.bucket.lifecycle).toContain('<ID>theirs</ID>');
    expect(rig.server.bucket.lifecycle).toContain('<Days>7</Days>');
    expect(rig.server.bucket.lifecycle).toContain('holdfast-noncurrent-30d');
  });

  it('are left with a longer period that somebody chose', async () => {
    const theirs =
      '<LifecycleConfiguration><Rule><ID>all</ID><Status>Enabled</Status><Filter></Filter>' +
      '<NoncurrentVersionExpiration><NoncurrentDays>365</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>';
    rig.server.bucket.lifecycle = theirs;
    await (await rig.open()).enableVersioning();
    expect(rig.server.bucket.lifecycle).toBe(theirs);
  });

  it('that the storage does not have keep nothing from working', async () => {
    rig.server.behaviour.versions = false;
    rig.server.bucket.versioning = null;
    const storage = await rig.openLearnt();
    expect(await storage.versioning()).toBe('unsupported');
    expect(await storage.enableVersioning()).toBe('unsupported');
    await storage.putIfAbsent(recordKey, bytesBody(small));
    expect(Buffer.from(await storage.get(recordKey))).toEqual(small);
    await storage.delete(recordKey);
    expect(await failure(storage.get(recordKey))).toMatchObject({ code: 'object_missing' });
  });
});

describe('S18 an archived object', () => {
  it('says that it needs thawing', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({
      operation: 'GetObject',
      action: { kind: 'answer', status: 403, code: 'InvalidObjectState' },
    });
    expect(await failure(storage.get(recordKey))).toMatchObject({ code: 'storage_archived', kind: 'storage' });
  });
});

describe('S23 another document than asked for', () => {
  const page = `<!DOCTYPE html><html><head><title>Sign in \u001b[31m to the hotel</title></head><body>${'x'.repeat(200)}</body></html>`;

  it.each([
    'ListObjectsV2',
    'ListObjectVersions',
    'GetObject',
    'PutObject',
    'GetBucketVersioning',
    'CreateMultipartUpload',
  ])('to %s is refused, quoting its beginning', async (operation) => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation, times: Infinity, action: { kind: 'answer', status: 200, body: page } });
    const work: Record<string, () => Promise<unknown>> = {
      ListObjectsV2: () => listKeys(storage),
      ListObjectVersions: () => storage.versions('')[Symbol.asyncIterator]().next(),
      GetObject: () => storage.get('holdfast.json'),
      PutObject: () => storage.putIfAbsent(recordKey, bytesBody(small)),
      GetBucketVersioning: () => storage.versioning(),
      CreateMultipartUpload: () => storage.putIfAbsent(recordKey, rig.fileBody(randomBytes(17 << 20))),
    };
    const error = await failure(work[operation]!());
    expect(error).toMatchObject({ code: 'storage_answer_invalid', kind: 'storage' });
    expect(error.message).toContain('<!DOCTYPE html>');
    expect(error.message).not.toContain('\u001b');
    expect(error.message.length).toBeLessThan(300);
  });

  it('to a range is refused', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({
      operation: 'GetObject',
      times: 2,
      action: { kind: 'answer', status: 200, body: page, headers: { etag: '"x"' } },
    });
    const error = await failure(storage.get('holdfast.json', { range: { start: 0, end: 4 } }));
    expect(error).toMatchObject({ code: 'storage_answer_invalid' });
    expect(error.message).toContain('<!DOCTYPE html>');
  });

  it('with status 403 is not taken for a lack of permission', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ times: Infinity, action: { kind: 'answer', status: 403, body: page } });
    expect(await failure(listKeys(storage))).toMatchObject({ code: 'storage_answer_invalid' });
  });

  it('is an error in a 200 when S3 says so, and tried again', async () => {
    const storage = await rig.openLearnt();
    const bytes = randomBytes(17 << 20);
    rig.server.faults.add({
      operation: 'CompleteMultipartUpload',
      action: { kind: 'error_in_200', code: 'InternalError' },
    });
    expect(await storage.putIfAbsent(recordKey, rig.fileBody(bytes))).toBe('created');
    expect(rig.stored()?.equals(bytes)).toBe(true);
    expect(rig.server.bucket.uploads.size).toBe(0);
  });

  it.each([
    ['a code of its own', { code: 'XAdminUserNotFound' }],
    ['plain text', { body: '404 page not found' }],
    ['nothing', { body: '' }],
  ])('is not "missing" when a 404 comes with %s', async (_name, document) => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ times: 2, action: { kind: 'answer', status: 404, ...document } });
    expect(await failure(storage.get('holdfast.json'))).toMatchObject({ code: 'storage_answer_invalid' });
    expect(Buffer.from(await storage.get('holdfast.json'))).toEqual(small);
  });
});
