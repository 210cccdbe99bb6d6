import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { updateLiveMirror } from '../../src/engine/live-mirror.ts';
import { restoreFromVersions } from '../../src/engine/restore-from-versions.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import type { Label } from '../../src/model/ids.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { movableClock, openTestVault } from '../support/test-vault.ts';

const hourMs = 3_600_000;

async function setUp() {
  const clock = movableClock();
  const storage = createMemoryStorage({ versioning: 'on', now: () => clock.now() });
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage, clock });
  vault.write('notes/plan.md', 'first\n');
  vault.write('notes/old.md', 'old\n');
  vault.write('.hidden name', 'hidden');
  symlinkSync('notes', join(vault.root, 'link'));
  const capture = async (label: string) => {
    clock.advance(hourMs);
    await takeSnapshot(vault.deps, { kind: 'manual', label: label as Label });
    return updateLiveMirror(vault.deps);
  };
  const liveKeys = () => storage.keys().filter((key) => key.startsWith('live/'));
  return { vault, storage, clock, capture, liveKeys };
}

test('holds plain files, follows changes only, and leaves deletions to versions', async () => {
  const { vault, storage, capture, liveKeys } = await setUp();
  expect(await capture('one')).toEqual({ written: 3, deleted: 0, leftOut: 1 });
  expect(liveKeys()).toEqual(['live/=2Ehidden=20name', 'live/notes/old.md', 'live/notes/plan.md']);
  expect(Buffer.from(storage.peek('live/notes/plan.md')!).toString()).toBe('first\n');
  expect(await updateLiveMirror(vault.deps)).toBeNull();
  vault.write('notes/plan.md', 'second\n');
  rmSync(join(vault.root, 'notes/old.md'));
  expect(await capture('two')).toEqual({ written: 1, deleted: 1, leftOut: 0 });
  expect(liveKeys()).toEqual(['live/=2Ehidden=20name', 'live/notes/plan.md']);
});

test('restores a file and a folder as they were, deleted ones included, without any record or pack', async () => {
  const { vault, storage, clock, capture } = await setUp();
  await capture('one');
  const first = new Date(clock.now().getTime() + 60_000);
  vault.write('notes/plan.md', 'second\n');
  rmSync(join(vault.root, 'notes/old.md'));
  await capture('two');
  for (const key of storage.keys()) if (!key.startsWith('live/')) storage.drop(key);

  const then = await restoreFromVersions(vault.deps, { path: 'notes', at: first });
  expect(then).toMatchObject({ files: 2, problems: [] });
  expect(readFileSync(join(then.directory, 'notes/plan.md'), 'utf8')).toBe('first\n');
  expect(readFileSync(join(then.directory, 'notes/old.md'), 'utf8')).toBe('old\n');
  const now = await restoreFromVersions(vault.deps, { path: 'notes', at: clock.now() });
  expect(now.files).toBe(1);
  expect(readFileSync(join(now.directory, 'notes/plan.md'), 'utf8')).toBe('second\n');
  const whole = await restoreFromVersions(vault.deps, { path: '', at: first });
  expect(readFileSync(join(whole.directory, '.hidden name'), 'utf8')).toBe('hidden');
  const before = new Date(0);
  await expect(restoreFromVersions(vault.deps, { path: 'notes', at: before })).rejects.toMatchObject({
    code: 'path_unknown',
  });
});

test('cut off anywhere, it is level after the next call', async () => {
  const { vault, storage, capture } = await setUp();
  await capture('one');
  for (let i = 0; i < 6; i++) vault.write(`more/${i}.md`, `more ${i}`);
  rmSync(join(vault.root, 'notes'), { recursive: true });
  for (let failing = 1; failing <= 7; failing++) {
    let calls = 0;
    storage.hooks = {
      beforeCall(operation, key) {
        if (key.startsWith('live/') && (operation === 'put' || operation === 'delete') && ++calls === failing) {
          throw new HoldfastError('storage_unavailable', 'The store went away.');
        }
      },
    };
    await capture(`try ${failing}`).catch(() => null);
  }
  storage.hooks = {};
  await updateLiveMirror(vault.deps);
  const keys = storage.keys().filter((key) => key.startsWith('live/'));
  expect(keys).toEqual(['live/=2Ehidden=20name', ...Array.from({ length: 6 }, (_, i) => `live/more/${i}.md`)]);
});

test('large files go in one piece, and what a stranger put under live/ leads nowhere', async () => {
  const { vault, storage, clock, capture } = await setUp();
  const large = randomBytes(9 << 20);
  vault.write('film.bin', large);
  await capture('one');
  expect(Buffer.compare(storage.peek('live/film.bin')!, large)).toBe(0);
  mkdirSync(join(vault.root, 'empty'));
  storage.poke('live/a/=2E=2E/=2E=2E/evil', Buffer.from('evil'));
  const whole = await restoreFromVersions(vault.deps, { path: '', at: clock.now() });
  expect(whole.files).toBe(4);
  expect(readFileSync(join(whole.directory, 'film.bin')).equals(large)).toBe(true);
});
