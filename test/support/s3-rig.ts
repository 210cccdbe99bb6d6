import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { openStorage } from '../../src/adapters/storage/open-storage.ts';
import type { OpenStorageOptions } from '../../src/adapters/storage/open-storage.ts';
import type { HoldfastError } from '../../src/model/errors.ts';
import type { ObjectStorage, StorageBody } from '../../src/ports/object-storage.ts';
import { bytesBody, sha256Of } from '../contracts/object-storage.contract.ts';
import { currentVersion } from './s3-server/bucket.ts';
import { startS3Server } from './s3-server/start-s3-server.ts';
import type { S3Server } from './s3-server/start-s3-server.ts';
import { testClock, testRandom } from './test-clock.ts';

export const small = Buffer.from('hello, bucket\n');
export const recordKey = 'snapshots/2026-04-16T12:00:00Z-x/snapshot.json';
export const minutes = 60_000;

/** A server of one test, storages opened on it, and what they did. */
export interface S3Rig {
  server: S3Server;
  scratch: string;
  clock: ReturnType<typeof testClock>;
  retries: { reason: string; delayMs: number }[];
  open(options?: Partial<OpenStorageOptions> & { url?: string }): Promise<ObjectStorage>;
  /** A storage that has learnt all there is to learn: what a second snapshot meets. */
  openLearnt(options?: Partial<OpenStorageOptions>): Promise<ObjectStorage>;
  fileBody(bytes: Uint8Array): StorageBody & { kind: 'file' };
  /** Current bytes in the bucket, below the store's prefix. */
  stored(key?: string): Buffer | null;
  versionCount(key?: string): number;
  /** Names of the operations that arrived, without keys. */
  operations(): string[];
  sleptMs(): number;
}

/** Sets up a rig before every test of the file and takes it down afterwards. */
export function useS3Rig(): S3Rig {
  const opened: ObjectStorage[] = [];
  const rig = {
    async open(options: Partial<OpenStorageOptions> & { url?: string } = {}) {
      const { url = rig.server.storeUrl(), ...rest } = options;
      const storage = await openStorage(url, {
        clock: rig.clock,
        random: testRandom,
        credentials: rig.server.credentials,
        onRetry: (retry) => rig.retries.push(retry),
        ...rest,
      });
      opened.push(storage);
      return storage;
    },
    async openLearnt(options: Partial<OpenStorageOptions> = {}) {
      const storage = await rig.open(options);
      await storage.putIfAbsent('holdfast.json', bytesBody(small));
      rig.server.requests.length = 0;
      return storage;
    },
    fileBody(bytes) {
      const path = join(rig.scratch, randomBytes(4).toString('hex'));
      writeFileSync(path, bytes);
      return { kind: 'file', path, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
    },
    stored: (key = recordKey) => currentVersion(rig.server.bucket, `store/${key}`)?.bytes ?? null,
    versionCount: (key = recordKey) => rig.server.bucket.objects.get(`store/${key}`)?.length ?? 0,
    operations: () => rig.server.requests.map((one) => one.slice(0, one.indexOf(' '))),
    sleptMs: () => rig.clock.slept.reduce((sum, one) => sum + one, 0),
  } as S3Rig;
  beforeEach(async () => {
    rig.server = await startS3Server();
    rig.scratch = mkdtempSync(join(tmpdir(), 'holdfast-s3-'));
    rig.clock = testClock();
    rig.retries = [];
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const storage of opened.splice(0)) await storage[Symbol.asyncDispose]();
    await rig.server[Symbol.asyncDispose]();
    rmSync(rig.scratch, { recursive: true, force: true });
  });
  return rig;
}

/** The error a call fails with. */
export async function failure(work: Promise<unknown>): Promise<HoldfastError> {
  return work.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as HoldfastError,
  );
}

/** Every key of a listing. */
export async function listKeys(storage: ObjectStorage, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of storage.list(prefix)) keys.push(object.key);
  return keys;
}
