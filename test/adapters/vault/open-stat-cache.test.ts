import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStatCacheFile } from '../../../src/adapters/vault/open-stat-cache.ts';
import type { StatCache } from '../../../src/ports/working-tree.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { buildVault, cacheOf, pathsIn, scanOf } from '../../support/vault-builder.ts';

async function sampleCache(): Promise<{ readonly root: string; readonly cache: StatCache }> {
  const root = scratchFolder();
  buildVault(root, {
    '.gitignore': 'ignored/\n*.tmp\n',
    'ignored/file': 'x',
    'a.tmp': 'x',
    'notes/caf\u00e9': 'x',
    'notes/deep/empty': null,
    link: { link: 'notes' },
  });
  return { root, cache: cacheOf(await scanOf(root, { now: () => 4e12 })) };
}

describe('the stat cache file', () => {
  test('gives back what was saved, and a scan takes it for what it was', async () => {
    const { root, cache } = await sampleCache();
    const file = openStatCacheFile(join(scratchFolder(), 'stat-cache'), 'machine');
    await file.save(cache);
    const loaded = (await file.load())!;
    expect({ ...loaded, tree: null, memory: null }).toEqual({ ...cache, tree: null, memory: null });
    expect(Buffer.from(loaded.memory).equals(Buffer.from(cache.memory))).toBe(true);
    expect(pathsIn(loaded.tree)).toEqual(pathsIn(cache.tree));
    for (let row = 0; row < cache.tree.entryCount; row++) {
      expect([loaded.tree.id(row), loaded.tree.ctimes[row]]).toEqual([cache.tree.id(row), cache.tree.ctimes[row]]);
    }
    const again = await scanOf(root, { base: loaded, now: () => 4e12 });
    expect([again.changed, again.dirty.length]).toEqual([false, 0]);
    await file.save({ ...cacheOf(again), historyFingerprint: 'seen' });
    expect((await file.load())?.historyFingerprint).toBe('seen');
  });

  test('of another machine, or not there, is none', async () => {
    const { cache } = await sampleCache();
    const path = join(scratchFolder(), 'stat-cache');
    expect(await openStatCacheFile(path, 'machine').load()).toBe(null);
    await openStatCacheFile(path, 'machine').save(cache);
    expect(await openStatCacheFile(path, 'other').load()).toBe(null);
    expect(await openStatCacheFile(path, 'machine').load()).not.toBe(null);
  });

  test('cut anywhere, or with any byte changed, is none', async () => {
    const { cache } = await sampleCache();
    const path = join(scratchFolder(), 'stat-cache');
    const file = openStatCacheFile(path, 'machine');
    await file.save(cache);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x20;
      writeFileSync(path, damaged);
      expect(await file.load(), `byte ${at}`).toBe(null);
    }
    for (let length = whole.length - 1; length >= 0; length -= 13) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      expect(await file.load(), `cut at ${length}`).toBe(null);
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.alloc(1)]));
    expect(await file.load()).toBe(null);
  });

  test('that cannot be written says so', async () => {
    const { cache } = await sampleCache();
    const file = openStatCacheFile(join(scratchFolder(), 'no-such-folder', 'stat-cache'), 'machine');
    await expect(file.save(cache)).rejects.toMatchObject({ code: 'local_io' });
  });
});
