import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSnapshotIndex } from '../../src/adapters/snapshot-index/open-snapshot-index.ts';
import { openVaultLock } from '../../src/adapters/vault-lock/open-vault-lock.ts';
import type { VaultLock } from '../../src/ports/vault-lock.ts';
import { ended, nextLine, runNode } from '../support/run-node.ts';
import { scratchFolder } from '../support/scratch.ts';

const source = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../src', path));
const start = Date.parse('2026-04-16T12:00:00.000Z');

function lockIn(directory: string, at = start): VaultLock {
  return openVaultLock({ directory, hostname: 'laptop', now: () => new Date(at) });
}

/** Another process that holds the lock until it is killed or its input ends. */
function holderIn(directory: string): string {
  return `
    import { openVaultLock } from ${source('adapters/vault-lock/open-vault-lock.ts')};
    const options = { directory: ${JSON.stringify(directory)}, hostname: 'laptop', now: () => new Date(${start}) };
    const lock = await openVaultLock(options).acquire('snapshot');
    console.log('held');
    process.stdin.resume().on('end', async () => { await lock[Symbol.asyncDispose](); console.log('freed'); });
  `;
}

describe('the vault lock', () => {
  test('has one holder, also within one process', async () => {
    const directory = scratchFolder();
    {
      await using held = await lockIn(directory).acquire('snapshot');
      expect(held).toBeDefined();
      await expect(lockIn(directory).acquire('watch')).rejects.toMatchObject({ code: 'vault_locked', kind: 'busy' });
      // Being refused must not take it from the holder.
      await expect(lockIn(directory).acquire('watch')).rejects.toMatchObject({ code: 'vault_locked' });
    }
    await using next = await lockIn(directory).acquire('watch');
    expect(next).toBeDefined();
  });

  test('stays held against other processes when this one asks for it again', async () => {
    const directory = scratchFolder();
    await using held = await lockIn(directory).acquire('snapshot');
    expect(held).toBeDefined();
    // POSIX locks are dropped when any descriptor of the file is closed; the refused attempt must not do that.
    await expect(lockIn(directory).acquire('watch')).rejects.toMatchObject({ code: 'vault_locked' });
    const child = runNode(holderIn(directory).replace("console.log('held')", 'process.exit(0)'), { stderr: 'ignore' });
    expect(await ended(child)).not.toBe(0);
  });

  test('says who holds it, where, and for how long', async () => {
    const directory = scratchFolder();
    const child = runNode(holderIn(directory));
    expect(await nextLine(child)).toBe('held');
    const error = await lockIn(directory, start + 125_000)
      .acquire('watch')
      .catch((refused: Error) => refused);
    expect(error).toMatchObject({
      code: 'vault_locked',
      message: `Another holdfast (snapshot, pid ${child.pid} on laptop, since 2 min) is working on this vault.`,
      data: { pid: child.pid, host: 'laptop', purpose: 'snapshot', since: '2026-04-16T12:00:00.000Z' },
    });
    child.stdin!.end();
    expect(await nextLine(child)).toBe('freed');
    await using held = await lockIn(directory).acquire('watch');
    expect(held).toBeDefined();
  });

  test('is free the moment its holder is killed (X01)', async () => {
    const directory = scratchFolder();
    const child = runNode(holderIn(directory));
    expect(await nextLine(child)).toBe('held');
    child.kill('SIGKILL');
    await ended(child);
    await using held = await lockIn(directory).acquire('watch');
    expect(held).toBeDefined();
    // The killed one's name is gone too.
    await expect(lockIn(directory).acquire('x')).rejects.toMatchObject({
      data: { pid: process.pid, purpose: 'watch' },
    });
  });

  test('does not name a dead process, nor print what a planted file says', async () => {
    const directory = scratchFolder();
    await using held = await lockIn(directory).acquire('snapshot');
    expect(held).toBeDefined();
    const since = '2026-04-16T12:00:00.000Z';
    const texts = ['', '{', '[]', JSON.stringify({ pid: 2 ** 22 + 1, host: 'laptop', purpose: 'x', since })];
    for (const text of texts) {
      writeFileSync(join(directory, 'lock.json'), text);
      await expect(lockIn(directory).acquire('x')).rejects.toThrow('Another holdfast is working on this vault.');
    }
    writeFileSync(join(directory, 'lock.json'), JSON.stringify({ pid: 1, host: '\u001b[2J', purpose: 'a\nb', since }));
    await expect(lockIn(directory).acquire('x')).rejects.toThrow('(a?b, pid 1 on ?[2J, since');
  });

  test('needs no repair when its files are garbage', async () => {
    const directory = scratchFolder();
    for (const garbage of ['', 'x', 'not a database, whatever it once was '.repeat(200)]) {
      writeFileSync(join(directory, 'lock.db'), garbage);
      writeFileSync(join(directory, 'lock.json'), garbage);
      await using held = await lockIn(directory).acquire('snapshot');
      expect(held).toBeDefined();
      await expect(lockIn(directory).acquire('x')).rejects.toMatchObject({ code: 'vault_locked' });
    }
  });

  test('is never taken through a symlink', async () => {
    const directory = scratchFolder();
    symlinkSync(join(directory, 'elsewhere'), join(directory, 'lock.db'));
    await expect(lockIn(directory).acquire('x')).rejects.toMatchObject({ code: 'directory_unusable' });
    rmSync(join(directory, 'lock.db'));
    await expect(lockIn(join(directory, 'missing')).acquire('x')).rejects.toMatchObject({ code: 'directory_unusable' });
  });
});

describe('two processes that append to one index', () => {
  test('lose no row of each other, and their chains hold', async () => {
    const path = join(scratchFolder(), 'log', 'snapshots.ndjson');
    const writer = (machine: string): string => `
      import { openSnapshotIndex } from ${source('adapters/snapshot-index/open-snapshot-index.ts')};
      const options = { path: ${JSON.stringify(path)}, machine: '${machine}', user: 'ada', now: () => new Date(${start}) };
      const index = openSnapshotIndex(options);
      for (let i = 0; i < 60; i++) await index.append({ event: 'reindex', snapshots: i, added: 0 });
    `;
    const children = ['m1', 'm1', 'm2'].map((machine) => runNode(writer(machine)));
    for (const child of children) expect(await ended(child)).toBe(0);
    const index = openSnapshotIndex({ path, machine: 'm1', user: 'ada', now: () => new Date(start) });
    const { rows, damage } = await index.read();
    // Two rows of one machine written at one moment may be equal; then they are one row.
    expect(damage.filter(({ reason }) => !reason.startsWith('a copy of'))).toEqual([]);
    expect(rows.length + damage.length).toBe(180);
    expect(readFileSync(path, 'utf8').split('\n').length).toBe(181);
    expect(rows.filter((row) => row.machine === 'm2').map((row) => row.sequence)).toEqual(
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
  });
});
