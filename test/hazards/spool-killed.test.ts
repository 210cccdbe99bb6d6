import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSpool } from '../../src/adapters/spool/open-spool.ts';
import { scratchFolder } from '../support/scratch.ts';
import { spoolSample } from '../support/spool-sample.ts';

/** The pid of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

test('a capture killed before it was finished is swept, and only that', async () => {
  const directory = scratchFolder();
  const spool = openSpool(directory, 'm1');
  const kept = await spoolSample(spool);
  const dead = join(directory, `draft-m1-${deadPid()}-0123456789ab`);
  mkdirSync(join(dead, 'nested'), { recursive: true });
  writeFileSync(join(dead, 'pack-x.pack'), 'half');
  // The same pid as ours, but not ours: a container restarts with the pids it had.
  mkdirSync(join(directory, `draft-m1-${process.pid}-0123456789ab`));
  mkdirSync(join(directory, 'drafty'));
  expect(await spool.sweep()).toBe(2);
  expect(await spool.sweep()).toBe(0);
  expect((await spool.pending()).snapshots).toEqual([kept]);
  expect(readdirSync(directory)).toContain('drafty');
});

test('a capture that is still running is left alone', async () => {
  const directory = scratchFolder();
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 600000)'], { stdio: 'ignore' });
  try {
    const name = `draft-m1-${child.pid}-0123456789ab`;
    mkdirSync(join(directory, name));
    expect(await openSpool(directory, 'm1').sweep()).toBe(0);
    expect(readdirSync(directory)).toEqual([name]);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a removal killed halfway is finished, not taken for damage', async () => {
  const directory = scratchFolder();
  const spool = openSpool(directory, 'm1');
  mkdirSync(join(directory, 'removed-000000000001-x'));
  writeFileSync(join(directory, 'removed-000000000001-x', 'entry.json'), '');
  expect(await spool.pending()).toEqual({ snapshots: [], damaged: [] });
  expect(await spool.sweep()).toBe(0);
  expect(readdirSync(directory)).toEqual([]);
});

test('a rewrite killed at any step leaves one snapshot, whole', async () => {
  const directory = scratchFolder();
  const spool = openSpool(directory, 'm1');
  const { directory: entry } = await spoolSample(spool);
  // Killed after the second record was written, before the entry names it; and after a temporary file was begun.
  writeFileSync(join(entry, 'snapshot-0123456789abcdef.json'), '{}');
  writeFileSync(join(entry, 'entry.json.123.tmp'), '');
  const { snapshots, damaged } = await openSpool(directory, 'm1').pending();
  expect([snapshots.length, damaged.length]).toEqual([1, 0]);
});
