import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openStorage } from '../../../src/adapters/storage/open-storage.ts';
import { describeObjectStorage } from '../../contracts/object-storage.contract.ts';
import { createMemoryStorage } from '../../support/memory-storage.ts';
import { testClock, testRandom } from '../../support/test-clock.ts';

let root = '';
let stores = 0;
const clock = testClock();
const random = testRandom;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-storage-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describeObjectStorage('memory', { open: async () => createMemoryStorage() });

describeObjectStorage('memory without versions', {
  open: async () => createMemoryStorage({ versioning: 'unsupported' }),
  keepsVersions: false,
});

describeObjectStorage('directory', {
  open: () => openStorage(join(root, String(stores++)), { clock, random, create: true }),
});
