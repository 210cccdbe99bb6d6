import { join } from 'node:path';
import { expect, test } from 'vitest';
import { glanceAtStore } from '../../src/engine/glance-at-store.ts';
import { restoreSnapshot } from '../../src/engine/restore.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { parseLabel } from '../../src/model/ids.ts';
import type { When } from '../../src/model/when.ts';
import { createMemoryStorage, type MemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { movableClock, openTestVault, type TestVault } from '../support/test-vault.ts';

const latest: When = { raw: 'latest', latestMinus: 0, time: null, timeText: null };
const named = (raw: string): When => ({ raw, latestMinus: null, time: null, timeText: null });
const at = (time: string): When => ({ raw: time, latestMinus: null, time: new Date(time), timeText: time });

/** A store with eight snapshots ten seconds apart, the n-th labelled `n` and taken at 09:00:n0. */
async function eightSnapshots(): Promise<{ storage: MemoryStorage; stranger: TestVault }> {
  const storage = createMemoryStorage();
  const folder = scratchFolder();
  const clock = movableClock('2026-03-01T09:00:00Z');
  for (let i = 0; i < 8; i++) {
    const vault = openTestVault({ root: join(folder, 'vault'), storage, clock });
    vault.write('area/topic/note.md', `version ${i}`);
    vault.write(`other/${i}.md`, `other ${i}`);
    await takeSnapshot(vault.deps, { label: parseLabel(`label ${i}`), kind: 'manual' });
    clock.advance(10_000);
  }
  return { storage, stranger: openTestVault({ root: join(folder, 'elsewhere'), storage, machine: 'laptop' }) };
}

test('R2: one file from a store never seen costs two listings, the indexes, and four more requests', async () => {
  const { storage, stranger } = await eightSnapshots();
  const callsBefore = storage.calls.length;
  const glance = await glanceAtStore(stranger.deps, latest);
  const { point, opened } = glance!;
  const { complete } = await restoreSnapshot(stranger.deps, {
    point,
    reader: opened.reader,
    paths: ['area/topic/note.md'],
  });
  expect(complete).toBe(true);
  const calls = storage.calls.slice(callsBefore);
  expect(calls.filter((call) => call.startsWith('list '))).toHaveLength(2);
  expect(calls.filter((call) => call.endsWith('.idx'))).toHaveLength(8);
  expect(calls.filter((call) => !call.startsWith('list ') && !call.endsWith('.idx')).length).toBeLessThanOrEqual(4);
});

test.each([
  ['the latest', latest, 'label 7'],
  ['a time between two', at('2026-03-01T09:00:35Z'), 'label 3'],
  ['the very second', at('2026-03-01T09:00:30Z'), 'label 3'],
  ['an id', named('2026-03-01T09:00:20Z-label-2'), 'label 2'],
  ['an id as on disk', named('2026-03-01T09-00-20Z-label-2'), 'label 2'],
])('%s is told from the listing', async (_, when, label) => {
  const { stranger } = await eightSnapshots();
  expect((await glanceAtStore(stranger.deps, when))?.point.record.label).toBe(label);
});

test.each([
  ['a label', named('label 3')],
  ['a time before the first', at('2026-02-01T00:00:00Z')],
  ['one counted back', { ...latest, raw: 'latest~2', latestMinus: 2 }],
])('%s is left to the whole view', async (_, when) => {
  const { stranger } = await eightSnapshots();
  expect(await glanceAtStore(stranger.deps, when)).toBeNull();
});

test('a pack without its index is left to the whole view', async () => {
  const { storage, stranger } = await eightSnapshots();
  storage.drop(storage.keys().find((key) => key.endsWith('.idx'))!);
  expect(await glanceAtStore(stranger.deps, latest)).toBeNull();
});

test('a pack that was damaged is not believed', async () => {
  const { storage, stranger } = await eightSnapshots();
  const key = storage.keys().findLast((candidate) => candidate.endsWith('.pack'))!;
  storage.peek(key)![20]! ^= 1;
  const { point, opened } = (await glanceAtStore(stranger.deps, latest))!;
  const reading = restoreSnapshot(stranger.deps, { point, reader: opened.reader, paths: ['area/topic/note.md'] });
  await expect(reading).rejects.toMatchObject({ code: 'pack_corrupt' });
});
