import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openStorage } from '../../src/adapters/storage/open-storage.ts';
import { systemRandom } from '../../src/adapters/system/system-clock.ts';
import { applyPrune } from '../../src/engine/prune/apply-prune.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import type { ObjectStorage } from '../../src/ports/object-storage.ts';
import { followGuide } from '../support/follow-guide.ts';
import { startS3Server } from '../support/s3-server/start-s3-server.ts';
import { scratchFolder } from '../support/scratch.ts';
import { movableClock, openTestVault } from '../support/test-vault.ts';

const none = { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, labelled: true };

/** Edits a repository and its files, snapshots each edit, and keeps the newest one only. */
async function pruneToNewest(storage: ObjectStorage): Promise<{ root: string; kept: string }> {
  const root = join(scratchFolder(), 'vault');
  // The storage tells real times.
  const clock = movableClock(new Date().toISOString());
  const vault = openTestVault({ root, storage, clock });
  const git = (...args: string[]): void => {
    execFileSync('git', ['-C', root, '-c', 'user.name=A', '-c', 'user.email=a@example.org', ...args], {
      env: { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
      stdio: 'ignore',
    });
  };
  git('init', '-q', '-b', 'main');
  writeFileSync(join(root, '.gitignore'), 'state/\n_restore/\n');
  for (let i = 0; i < 6; i++) {
    vault.write(
      'notes.md',
      Array.from({ length: 200 }, (_, n) => `line ${n} of edit ${n % 40 === 0 ? i : 0}\n`).join(''),
    );
    vault.write(`deep/${i}/new.md`, `new ${i}\n`.repeat(50));
    vault.write('photo.bin', Buffer.alloc(300_000, 7));
    if (i % 2 === 0) {
      git('add', '-A');
      git('commit', '-q', '-m', `commit ${i}`);
    }
    await takeSnapshot(vault.deps, { label: null, kind: 'auto' });
    clock.advance(2000);
  }
  const outcome = await applyPrune(vault.deps, { retention: none, keepNone: true, withoutVersions: true });
  expect(outcome.dropped).toHaveLength(5);
  expect(outcome.writtenBytes).toBeGreaterThan(0);
  const stranger = openTestVault({ root: join(scratchFolder(), 'other'), storage, clock, machine: 'laptop' });
  const report = await verifyStore(stranger.deps, { depth: 'full' });
  expect([report.findings, report.snapshots]).toEqual([[], 1]);
  await applyPrune(vault.deps, { retention: none, keepNone: true, withoutVersions: true });
  return { root, kept: outcome.outline.earliest!.record.id };
}

function filesOf(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !/^(?:\.git|state|_restore)\//.test(path))
    .toSorted();
}

function expectGuideWorks(store: string, root: string): void {
  // Runs git fsck over the gathered packs, too.
  const { recovered } = followGuide(store, '6.');
  expect(filesOf(recovered)).toEqual(filesOf(root));
  for (const path of filesOf(root)) {
    expect(readFileSync(join(recovered, path)).equals(readFileSync(join(root, path)))).toBe(true);
  }
  const log = execFileSync('git', ['-C', recovered, 'log', '--format=%s', 'main'], { encoding: 'utf8' });
  expect(log).toBe('commit 4\ncommit 2\ncommit 0\n');
}

test('after a prune of a directory store, RESTORE.md and stock git still bring everything back', async () => {
  const folder = scratchFolder();
  const clock = movableClock(new Date().toISOString());
  await using storage = await openStorage(`file://${folder}`, { clock, random: systemRandom, create: true });
  const { root } = await pruneToNewest(storage);
  expect(() => expectGuideWorks(folder, root)).not.toThrow();
});

test('after a prune of a store in S3, too', async () => {
  await using server = await startS3Server();
  const clock = movableClock(new Date().toISOString());
  const { credentials } = server;
  await using storage = await openStorage(server.storeUrl(), { clock, random: systemRandom, credentials });
  const { root } = await pruneToNewest(storage);
  const copy = scratchFolder();
  for await (const { key } of storage.list('')) {
    const path = join(copy, key.replaceAll(':', '-'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await storage.get(key));
  }
  expect(() => expectGuideWorks(copy, root)).not.toThrow();
});
