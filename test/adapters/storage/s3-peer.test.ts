import { describe } from 'vitest';
import { openStorage } from '../../../src/adapters/storage/open-storage.ts';
import { describeObjectStorage } from '../../contracts/object-storage.contract.ts';
import { describeS3Storage } from '../../contracts/s3-storage.contract.ts';
import { createPeerBucket, s3PeerFromEnvironment } from '../../support/s3-server/peer.ts';
import { testClock, testRandom } from '../../support/test-clock.ts';

const peer = s3PeerFromEnvironment();

let bucket: string | undefined;
let stores = 0;

// Only run where .ci/s3-peer brings a server (vitest.config.ts leaves this file out elsewhere).
describe('with HOLDFAST_TEST_S3_ENDPOINT', () => {
  describeObjectStorage('a real S3 server', {
    open: async () => {
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
    },
  });

  describeS3Storage('a real S3 server', async () => ({ ...peer!, bucket: await createPeerBucket(peer!) }));
});
