import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import { parseLabel } from '../../src/model/ids.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestVault } from '../support/test-vault.ts';

test('S20: whatever call the store refuses, verify says that it was refused, and never that something is damaged', async () => {
  const storage = createMemoryStorage();
  const root = scratchFolder();
  const writer = openTestVault({ root: join(root, 'writer'), storage });
  writer.write('folder/note.md', 'one');
  await takeSnapshot(writer.deps, { label: parseLabel('one'), kind: 'manual' });
  const callsMax = 100;
  let refused = 1;
  for (; refused < callsMax; refused++) {
    let calls = 0;
    storage.hooks = {
      beforeCall() {
        if (++calls === refused) throw new HoldfastError('access_denied', 'The store refused the request.');
      },
    };
    // A machine of its own each time, which keeps nothing of the store yet.
    const reader = openTestVault({ root: join(root, `reader-${refused}`), storage, machine: 'reader' });
    const ending = await verifyStore(reader.deps, { depth: 'full' }).catch((error: unknown) => error);
    if (calls < refused) break;
    expect(ending).toMatchObject({ code: 'access_denied' });
  }
  expect(refused).toBeGreaterThan(5);
  expect(refused).toBeLessThan(callsMax);
});
