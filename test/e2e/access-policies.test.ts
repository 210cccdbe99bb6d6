import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStorage } from '../../src/adapters/storage/open-storage.ts';
import { listSnapshots } from '../../src/engine/list-snapshots.ts';
import { restoreSnapshot } from '../../src/engine/restore.ts';
import { openPointReader } from '../../src/engine/store-view.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { accessPolicy, type AccessRole } from '../../src/format/access-policy.ts';
import type { Label } from '../../src/model/ids.ts';
import { type S3Server, startS3Server } from '../support/s3-server/start-s3-server.ts';
import { scratchFolder } from '../support/scratch.ts';
import { testClock, testRandom } from '../support/test-clock.ts';
import { openTestVault } from '../support/test-vault.ts';

/** The right each S3 operation asks for, as AWS documents it. */
const rightOf: Readonly<Record<string, string>> = {
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  DeleteObject: 's3:DeleteObject',
  ListObjectsV2: 's3:ListBucket',
  ListObjectVersions: 's3:ListBucketVersions',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  GetBucketVersioning: 's3:GetBucketVersioning',
  PutBucketVersioning: 's3:PutBucketVersioning',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
  PutBucketLifecycleConfiguration: 's3:PutLifecycleConfiguration',
};

/** Lets the server refuse whatever the policy does not allow. */
function enforce(server: S3Server, role: AccessRole): void {
  const { Statement } = accessPolicy(role, { bucket: 'bucket', prefix: 'store' }) as {
    Statement: { Action: string[]; Resource: string }[];
  };
  for (const { Resource } of Statement) expect(Resource).toMatch(/^arn:aws:s3:::bucket(?:\/store\/\*)?$/);
  const allowed = new Set(Statement.flatMap(({ Action }) => Action));
  server.faults.clear();
  for (const [operation, right] of Object.entries(rightOf)) {
    if (allowed.has(right)) continue;
    server.faults.add({ operation, times: Infinity, action: { kind: 'answer', status: 403, code: 'AccessDenied' } });
  }
}

async function setUp(server: S3Server) {
  const storage = await openStorage(server.storeUrl(), {
    clock: testClock(),
    random: testRandom,
    credentials: server.credentials,
    retryWindowMs: 0,
  });
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage });
  vault.write('a.md', 'first');
  return { vault, storage };
}

const snapshot = (vault: Awaited<ReturnType<typeof setUp>>['vault'], label: string) =>
  takeSnapshot(vault.deps, { kind: 'manual', label: label as Label });

test('a writer snapshots, lists, restores and verifies, and can destroy nothing', async () => {
  await using server = await startS3Server();
  const { vault, storage } = await setUp(server);
  enforce(server, 'writer');
  expect(await snapshot(vault, 'one')).toMatchObject({ kind: 'taken', where: 'store' });
  vault.write('big.bin', randomBytes(18 << 20));
  expect(await snapshot(vault, 'two')).toMatchObject({ kind: 'taken', where: 'store' });
  const { points } = await listSnapshots(vault.deps, { refresh: 'always' });
  const { reader } = await openPointReader(vault.deps, points);
  expect(await restoreSnapshot(vault.deps, { point: points[0]!, reader, paths: null })).toMatchObject({
    complete: true,
  });
  expect((await verifyStore(vault.deps, { depth: 'full' })).findings).toEqual([]);
  await expect(storage.delete('holdfast.json')).rejects.toMatchObject({ kind: 'access' });
});

test('a reader restores and verifies, and can write nothing', async () => {
  await using server = await startS3Server();
  const { vault, storage } = await setUp(server);
  await snapshot(vault, 'one');
  enforce(server, 'reader');
  const { points } = await listSnapshots(vault.deps, { refresh: 'always' });
  const { reader } = await openPointReader(vault.deps, points);
  expect(await restoreSnapshot(vault.deps, { point: points[0]!, reader, paths: null })).toMatchObject({
    complete: true,
  });
  expect((await verifyStore(vault.deps, { depth: 'full' })).findings).toEqual([]);
  vault.write('a.md', 'second');
  expect(await snapshot(vault, 'two')).toMatchObject({ kind: 'taken', where: 'local' });
  await expect(storage.delete('holdfast.json')).rejects.toMatchObject({ kind: 'access' });
});

test('a pruner may delete as well', async () => {
  await using server = await startS3Server();
  const { vault, storage } = await setUp(server);
  enforce(server, 'pruner');
  expect(await snapshot(vault, 'one')).toMatchObject({ where: 'store' });
  await storage.delete('RESTORE.md');
  expect(await storage.head('RESTORE.md')).toBeNull();
});
