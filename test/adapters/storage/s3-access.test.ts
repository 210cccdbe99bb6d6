import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { openStorage } from '../../../src/adapters/storage/open-storage.ts';
import { bytesBody } from '../../contracts/object-storage.contract.ts';
import { failure, listKeys, recordKey, small, useS3Rig } from '../../support/s3-rig.ts';
import { startS3Server } from '../../support/s3-server/start-s3-server.ts';
import { testRandom } from '../../support/test-clock.ts';

const rig = useS3Rig();

describe('S19 a bucket that is elsewhere', () => {
  it('or nowhere is store_missing, and nothing is created', async () => {
    const storage = await rig.open({ url: rig.server.storeUrl().replace('s3://bucket', 's3://buckets') });
    expect(await failure(storage.get(recordKey))).toMatchObject({ code: 'store_missing', kind: 'config' });
    expect(await failure(storage.put(recordKey, bytesBody(small)))).toMatchObject({ code: 'store_missing' });
    expect(await failure(listKeys(storage))).toMatchObject({ code: 'store_missing' });
    expect(rig.server.requests.filter((one) => /^PUT|CreateBucket/.test(one))).toEqual([]);
  });

  it('names the right region when the signature was for another', async () => {
    rig.server.region = 'eu-west-3';
    const error = await failure((await rig.open()).get(recordKey));
    expect(error).toMatchObject({ code: 'store_missing', data: { region: 'eu-west-3' } });
    expect(error.hint).toContain('region=eu-west-3');
  });

  it('names the right region when redirected', async () => {
    const headers = { 'x-amz-bucket-region': 'ap-south-1' };
    rig.server.faults.add({ action: { kind: 'answer', status: 301, code: 'PermanentRedirect', headers } });
    const error = await failure((await rig.open()).get(recordKey));
    expect(error).toMatchObject({ code: 'store_missing', data: { region: 'ap-south-1' } });
  });
});

describe('S22 a redirect', () => {
  it.each([301, 302, 307, 308])('(%i) to another host is not followed', async (status) => {
    await using elsewhere = await startS3Server();
    const storage = await rig.open();
    const location = `${elsewhere.endpoint}/bucket/store/x`;
    rig.server.faults.add({ times: Infinity, action: { kind: 'answer', status, headers: { location } } });
    for (const work of [
      () => storage.get(recordKey),
      () => storage.put(recordKey, bytesBody(small)),
      () => listKeys(storage),
      () => storage.head(recordKey),
    ]) {
      const error = await failure(work());
      expect(error).toMatchObject({ code: 'redirect_refused', kind: 'access' });
      expect(error.message).toContain(elsewhere.endpoint);
    }
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('A01 no credentials', () => {
  it('lists where it looked', async () => {
    for (const name of [
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
      'AWS_PROFILE',
      'AWS_WEB_IDENTITY_TOKEN_FILE',
      'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
      'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    ]) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(rig.scratch, 'none'));
    vi.stubEnv('AWS_CONFIG_FILE', join(rig.scratch, 'none'));
    await using storage = await openStorage(rig.server.storeUrl(), { clock: rig.clock, random: testRandom });
    const error = await failure(storage.get(recordKey));
    expect(error).toMatchObject({ code: 'credentials_missing', kind: 'access' });
    expect(error.hint).toMatch(/AWS_ACCESS_KEY_ID.*~\/\.aws.*role/);
    expect(rig.server.requests).toEqual([]);
  });

  it('come from the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', rig.server.credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', rig.server.credentials.secretAccessKey);
    await using storage = await openStorage(rig.server.storeUrl(), { clock: rig.clock, random: testRandom });
    await storage.put(recordKey, bytesBody(small));
    expect(rig.stored()).toEqual(small);
  });
});

describe('A02, A03 a key that may not', () => {
  it.each([
    ['PutObject', 's3:PutObject'],
    ['GetObject', 's3:GetObject'],
    ['HeadObject', 's3:GetObject'],
    ['ListObjectsV2', 's3:ListBucket'],
    ['ListObjectVersions', 's3:ListBucketVersions'],
    ['DeleteObject', 's3:DeleteObject'],
    ['PutBucketVersioning', 's3:PutBucketVersioning'],
    ['GetBucketLifecycleConfiguration', 's3:GetLifecycleConfiguration'],
    ['PutBucketLifecycleConfiguration', 's3:PutLifecycleConfiguration'],
    ['ListMultipartUploads', 's3:ListBucketMultipartUploads'],
  ])('%s is told that %s is needed', async (operation, action) => {
    const storage = await rig.openLearnt();
    rig.server.bucket.versioning = operation === 'PutBucketVersioning' ? null : 'Enabled';
    rig.server.faults.add({ operation, action: { kind: 'answer', status: 403, code: 'AccessDenied' } });
    const work: Record<string, () => Promise<unknown>> = {
      PutObject: () => storage.put(recordKey, bytesBody(small)),
      GetObject: () => storage.get(recordKey),
      HeadObject: () => storage.head(recordKey),
      ListObjectsV2: () => listKeys(storage),
      ListObjectVersions: () => storage.versions('')[Symbol.asyncIterator]().next(),
      DeleteObject: () => storage.delete(recordKey),
      ListMultipartUploads: () => storage.abortStaleUploads({ olderThanMs: 0 }),
    };
    const error = await failure((work[operation] ?? (() => storage.enableVersioning()))());
    expect(error).toMatchObject({ code: 'access_denied', kind: 'access', data: { action } });
    expect(error.message).toContain(action);
  });

  it('delete one version is told the action for versions', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({ operation: 'DeleteObject', action: { kind: 'answer', status: 403, code: 'AccessDenied' } });
    const error = await failure(storage.delete(recordKey, { storageVersionId: 'abc' }));
    expect(error).toMatchObject({ data: { action: 's3:DeleteObjectVersion' } });
  });

  it('list, and so sees missing objects as forbidden, still writes', async () => {
    const storage = await rig.open();
    rig.server.faults.add({
      operation: 'HeadObject',
      times: Infinity,
      action: { kind: 'answer', status: 403, code: 'AccessDenied' },
    });
    expect(await storage.putIfAbsent('holdfast.json', bytesBody(small))).toBe('created');
    expect(await storage.putIfAbsent(recordKey, rig.fileBody(Buffer.alloc(17 << 20)))).toBe('created');
    expect(rig.stored()).toHaveLength(17 << 20);
  });

  it('ask about versioning still snapshots: the state is unknown', async () => {
    const storage = await rig.openLearnt();
    rig.server.faults.add({
      operation: 'GetBucketVersioning',
      action: { kind: 'answer', status: 403, code: 'AccessDenied' },
    });
    expect(await storage.versioning()).toBe('unknown');
  });

  it.each(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken'])(
    'be used at all (%s) is not tried again',
    async (code) => {
      const storage = await rig.openLearnt();
      rig.server.faults.add({
        times: 2,
        action: { kind: 'answer', status: code === 'ExpiredToken' ? 400 : 403, code },
      });
      expect(await failure(storage.get(recordKey))).toMatchObject({ code: 'access_denied' });
      expect(rig.clock.slept).toEqual([]);
    },
  );

  it('is unknown here', async () => {
    const storage = await rig.open({ credentials: { accessKeyId: 'WRONG', secretAccessKey: 'x' } });
    expect(await failure(storage.get(recordKey))).toMatchObject({
      code: 'access_denied',
      data: { reason: 'InvalidAccessKeyId' },
    });
  });
});

describe('A07 secrets', () => {
  it('are in no error, whatever the rig.server echoes', async () => {
    const storage = await rig.openLearnt();
    const { accessKeyId, secretAccessKey } = rig.server.credentials;
    const echo = `${secretAccessKey} ${accessKeyId} Authorization: AWS4-HMAC-SHA256 Credential=${accessKeyId}`;
    const bodies = [
      `<Error><Code>AccessDenied</Code><Message>${echo}</Message><StringToSign>${echo}</StringToSign></Error>`,
      `<Error><Code>${secretAccessKey} ${accessKeyId}</Code><Message>${echo}</Message></Error>`,
    ];
    for (const body of bodies) {
      for (const status of [400, 401, 403, 404, 409, 412, 500, 501, 503]) {
        rig.server.faults.clear();
        rig.server.faults.add({ times: Infinity, action: { kind: 'answer', status, body } });
        for (const work of [
          () => storage.get(recordKey),
          () => storage.put(recordKey, bytesBody(small)),
          () => listKeys(storage),
        ]) {
          const error = await failure(work());
          const shown = `${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)} ${error.hint}`;
          expect(shown).not.toContain(secretAccessKey);
          expect(shown).not.toContain(accessKeyId);
        }
      }
    }
  });
});

describe('G07 a plain http endpoint', () => {
  it('from the environment is refused before anything is sent', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', rig.server.endpoint);
    const storage = await rig.open({ url: 's3://bucket/store?region=us-east-1' });
    expect(await failure(storage.get(recordKey))).toMatchObject({ code: 'store_url_invalid', kind: 'config' });
    expect(rig.server.requests).toEqual([]);
    expect(storage.requests.get).toBe(0);
  });
});

describe('a region', () => {
  it('that is named nowhere is asked for', async () => {
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_CONFIG_FILE', join(rig.scratch, 'none'));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(rig.scratch, 'none'));
    const error = await failure((await rig.open({ url: 's3://bucket/store' })).get(recordKey));
    expect(error).toMatchObject({ code: 'store_url_invalid' });
    expect(error.hint).toContain('region=');
  });
});
