import { afterAll, beforeAll } from 'vitest';
import { openStorage } from '../../../src/adapters/storage/open-storage.ts';
import { describeObjectStorage } from '../../contracts/object-storage.contract.ts';
import { describeS3Storage } from '../../contracts/s3-storage.contract.ts';
import { startS3Server } from '../../support/s3-server/start-s3-server.ts';
import type { S3Server } from '../../support/s3-server/start-s3-server.ts';
import { testClock, testRandom } from '../../support/test-clock.ts';

let server: S3Server;
let stores = 0;

beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server[Symbol.asyncDispose]());

const s3Kinds: readonly [name: string, behaviour: Partial<S3Server['behaviour']>][] = [
  ['S3', {}],
  ['S3 that checks checksums and does not say so', { checksums: 'silent' }],
  ['S3 that ignores conditions', { conditions: 'ignored' }],
  ['S3 that takes neither', { conditions: 'refused', checksums: 'refused_400' }],
];

for (const [name, behaviour] of s3Kinds) {
  describeObjectStorage(name, {
    isExclusive: (behaviour.conditions ?? 'honoured') === 'honoured',
    open: async () => {
      Object.assign(server.behaviour, { conditions: 'honoured', checksums: 'echoed' }, behaviour);
      // Small pages, so that listings have several.
      const settings = {
        clock: testClock(),
        random: testRandom,
        credentials: server.credentials,
        retryWindowMs: 0,
        pageSize: 3,
      };
      return openStorage(server.storeUrl(`contract/store-${stores++}`), settings);
    },
  });
}

describeS3Storage('our server', async () => {
  Object.assign(server.behaviour, { conditions: 'honoured', checksums: 'echoed' });
  return { endpoint: server.endpoint, bucket: server.bucket.name, credentials: server.credentials };
});
