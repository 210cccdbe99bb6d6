import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  GetBucketLifecycleConfigurationCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../src/adapters/storage/open-storage.ts';
import type { OpenStorageOptions } from '../../src/adapters/storage/open-storage.ts';
import type { ObjectStorage, StorageBody } from '../../src/ports/object-storage.ts';
import { testClock, testRandom } from '../support/test-clock.ts';
import { bytesBody, sha256Of } from './object-storage.contract.ts';

/** A server to test against, and a bucket on it. */
export interface S3Place {
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** What the S3 adapter counts on beyond the port; passed by our server and a real one alike, so that ours is like it. */
export function describeS3Storage(name: string, startPlace: () => Promise<S3Place>): void {
  describe(`S3: ${name}`, () => {
    const prefix = `s3/${randomBytes(4).toString('hex')}`;
    const size = 20 << 20;
    let place: S3Place;
    let client: S3Client;
    let scratch: string;
    let body: StorageBody;

    beforeAll(async () => {
      place = await startPlace();
      client = new S3Client({ ...place, region: 'us-east-1', forcePathStyle: true });
      scratch = mkdtempSync(join(tmpdir(), 'holdfast-s3-contract-'));
      const bytes = randomBytes(size);
      const path = join(scratch, 'body');
      writeFileSync(path, bytes);
      body = { kind: 'file', path, sizeBytes: size, sha256: sha256Of(bytes) };
    });
    afterAll(() => {
      client.destroy();
      rmSync(scratch, { recursive: true, force: true });
    });

    const open = (
      options: Partial<OpenStorageOptions> & { bucket?: string; below?: string } = {},
    ): Promise<ObjectStorage> => {
      const { bucket = place.bucket, below = prefix, ...rest } = options;
      const url = `s3://${bucket}/${below}?endpoint=${place.endpoint}`;
      const { credentials } = place;
      return openStorage(url, { clock: testClock(), random: testRandom, credentials, retryWindowMs: 0, ...rest });
    };

    const uploadsBelow = async (fullPrefix: string): Promise<number> => {
      const page = await client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket, Prefix: fullPrefix }));
      return page.Uploads?.length ?? 0;
    };

    it('creates exclusively, and finds that out by itself', async () => {
      await using storage = await open();
      await storage.putIfAbsent('holdfast.json', bytesBody(Buffer.from('{}')));
      expect(storage.createIsExclusive).toBe(true);
    });

    it('proves a small create with one request', async () => {
      await using storage = await open();
      await storage.putIfAbsent('packs/first', bytesBody(Buffer.from('first')));
      const before = { ...storage.requests };
      await storage.putIfAbsent('packs/second', bytesBody(Buffer.from('second')));
      expect(storage.requests).toEqual({ ...before, put: before.put + 1 });
    });

    it('proves a large create without reading it back', async () => {
      await using storage = await open();
      expect(await storage.putIfAbsent('packs/large', body)).toBe('created');
      // Looked first; begin, three parts, end.
      expect(storage.requests).toEqual({ put: 5, get: 0, head: 1, list: 0, delete: 0 });
      expect(sha256Of(await storage.get('packs/large'))).toBe(body.sha256);
    });

    it('knows a large object by its ETag, without uploading or reading it again', async () => {
      await using storage = await open();
      expect(await storage.putIfAbsent('packs/large', body)).toBe('exists');
      expect(storage.requests).toEqual({ put: 0, get: 0, head: 1, list: 0, delete: 0 });
    });

    it('copies within the server, proved by its SHA-256, and only what is right', async () => {
      await using source = await open();
      await using replica = await open({ below: `${prefix}-replica` });
      const bytes = Buffer.from('copy me');
      const sha256 = sha256Of(bytes);
      await source.putIfAbsent('packs/copied', bytesBody(bytes));
      const object = { key: 'packs/copied', sizeBytes: bytes.length, modifiedAt: null };
      expect(await replica.copyFrom!(source.url, object, { sha256 })).toBe(true);
      expect(Buffer.from(await replica.get('packs/copied'))).toEqual(bytes);
      expect(await replica.copyFrom!(source.url, object, { sha256: sha256Of(Buffer.from('other')) })).toBe(false);
      const missing = { ...object, key: 'packs/missing' };
      expect(await replica.copyFrom!(source.url, missing, { sha256 })).toBe(false);
      expect(await replica.copyFrom!('file:///elsewhere', object, { sha256 })).toBe(false);
      const other = source.url.replace(place.bucket, 'not-this-bucket');
      expect(await replica.copyFrom!(other, object, { sha256 })).toBe(false);
    });

    it('reads ranges across the parts of a large object', async () => {
      await using storage = await open();
      const range = { start: (8 << 20) - 3, end: (8 << 20) + 3 };
      expect(await storage.get('packs/large', { range })).toHaveLength(6);
    });

    it('leaves nothing of a large upload that failed', async () => {
      await using storage = await open();
      const path = join(scratch, 'changed');
      writeFileSync(path, randomBytes(size));
      await expect(storage.putIfAbsent('packs/broken', { ...body, path } as StorageBody)).rejects.toMatchObject({
        code: 'spool_damaged',
      });
      expect(await uploadsBelow(`${prefix}/packs/broken`)).toBe(0);
      expect(await storage.head('packs/broken')).toBeNull();
    });

    it('aborts the unfinished uploads that the server lists', async () => {
      const fullKey = `${prefix}-stale/x`;
      const target = { Bucket: place.bucket, Key: fullKey };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
      await client.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: Buffer.from('part') }));
      expect(await uploadsBelow(fullKey)).toBe(1);
      // MinIO lists uploads by whole keys only, and removes unfinished ones itself after a day.
      const listed = await uploadsBelow(`${prefix}-stale/`);
      const future = testClock(new Date(Date.now() + 60_000));
      await using storage = await open({ below: `${prefix}-stale`, clock: future });
      expect(await storage.abortStaleUploads({ olderThanMs: 0 })).toBe(listed);
      expect(await uploadsBelow(fullKey)).toBe(1 - listed);
    });

    it('keeps versions, and lets prior ones of each store expire', async () => {
      await using first = await open({ below: 'first' });
      await using second = await open({ below: 'second' });
      expect(await first.enableVersioning()).toBe('on');
      expect(await second.versioning()).toBe('on');
      await second.enableVersioning();
      const answer = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: place.bucket }));
      const rules = (answer.Rules ?? []).filter((rule) => /^(?:first|second)\/$/.test(rule.Filter?.Prefix ?? ''));
      expect(rules).toMatchObject([
        { Status: 'Enabled', Filter: { Prefix: 'first/' }, NoncurrentVersionExpiration: { NoncurrentDays: 30 } },
        { Status: 'Enabled', Filter: { Prefix: 'second/' }, NoncurrentVersionExpiration: { NoncurrentDays: 30 } },
      ]);
    });

    it('says so when the bucket is missing', async () => {
      await using storage = await open({ bucket: 'no-such-bucket-here' });
      await expect(storage.get('holdfast.json')).rejects.toMatchObject({ code: 'store_missing' });
      await expect(storage.put('holdfast.json', bytesBody(Buffer.from('x')))).rejects.toMatchObject({
        code: 'store_missing',
      });
      await expect(storage.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'store_missing' });
    });

    it('says so when the credentials are wrong', async () => {
      await using storage = await open({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'nothing-at-all' } });
      await expect(storage.get('holdfast.json')).rejects.toMatchObject({ code: 'access_denied' });
    });
  });
}
