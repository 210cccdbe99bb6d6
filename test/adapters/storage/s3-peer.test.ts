import { afterAll, describe } from 'vitest';
import { openStorage } from '../../../src/adapters/storage/open-storage.ts';
import type { ObjectStorage } from '../../../src/ports/object-storage.ts';
import { describeObjectStorage } from '../../contracts/object-storage.contract.ts';
import { describeS3Storage } from '../../contracts/s3-storage.contract.ts';
import { createPeerBucket, s3PeerFromEnvironment } from '../../support/s3-server/peer.ts';
import { makeTestKeys, openTestSealed } from '../../support/sealed-storage.ts';
import { testClock, testRandom } from '../../support/test-clock.ts';

const peer = s3PeerFromEnvironment();

let bucket: string | undefined;
let stores = 0;
const opened: ObjectStorage[] = [];

async function openStore(): Promise<ObjectStorage> {
  const { endpoint, credentials } = peer!;
  bucket ??= await createPeerBucket(peer!);
  return openStorage(`s3://${bucket}/contract/store-${stores++}?endpoint=${endpoint}`, {
    clock: testClock(),
    random: testRandom,
    credentials,
    retryWindowMs: 0,
    // Small pages, so that listings have several.
    pageSize: 3,
  });
}

// Only run where .ci/s3-peer brings a server (vitest.config.ts leaves this file out elsewhere).
describe('with HOLDFAST_TEST_S3_ENDPOINT', () => {
  describeObjectStorage('a real S3 server', { open: openStore });

  describeObjectStorage('a real S3 server, encrypted', {
    open: async () => {
      const raw = await openStore();
      const { storage, encryption } = openTestSealed(raw);
      encryption.adopt(await makeTestKeys());
      opened.push(raw);
      return storage;
    },
  });
  afterAll(async () => {
    for (const raw of opened) await raw[Symbol.asyncDispose]();
  });

  describeS3Storage('a real S3 server', async () => ({ ...peer!, bucket: await createPeerBucket(peer!) }));
});
