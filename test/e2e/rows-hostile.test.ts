import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SnapshotId } from '../../src/model/ids.ts';
import { openCliVault, type CliVault } from '../support/cli-vault.ts';
import { Forgery, type RawTreeEntry } from '../support/forge-snapshot.ts';
import { manifestOf } from '../support/manifest.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';

const id = '2026-01-01T00:00:00Z-forged' as SnapshotId;

/** A vault whose store somebody else can write to, and did. */
async function openAttackedVault(plant: (forgery: Forgery) => string): Promise<CliVault & { store: string }> {
  const vault = openCliVault({ note: 'a note\n' });
  onTestFinished(() => vault[Symbol.dispose]());
  const store = join(vault.folder, 'store');
  expect(await vault.run(['snapshot', 'honest', '--store', store])).toMatchObject({ code: 0 });
  const forgery = new Forgery();
  const storage = createMemoryStorage();
  forgery.publish(storage, plant(forgery), { id });
  for (const key of storage.keys()) {
    const path = join(store, key.replaceAll(':', '-'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, storage.peek(key)!);
  }
  return { ...vault, store };
}

test('F38: ten objects that unfold to a billion files are refused with counts, 1, and nothing is written', async () => {
  const vault = await openAttackedVault((forgery) => {
    let entry: Omit<RawTreeEntry, 'name'> = { mode: '100644', id: forgery.blob('small') };
    for (let depth = 0; depth < 9; depth++) {
      const entries = Array.from({ length: 10 }, (_, n) => ({ ...entry, name: `n${n}` }));
      entry = { mode: '40000', id: forgery.tree(entries) };
    }
    return entry.id;
  });
  const { code, err } = await vault.run(['restore', '--all', id, '--store', vault.store]);
  expect(code).toBe(1);
  expect(err).toMatch(/^refused: .*1,111,111,110\s+files\s+and\s+folders/);
  expect(existsSync(join(vault.root, '_restore'))).toBe(false);
  // Single paths of it can be had, and the honest snapshot is as good as ever.
  const one = await vault.run(['restore', 'n0/n1/n2/n3/n4/n5/n6/n7', id, '--store', vault.store]);
  expect(one).toMatchObject({ code: 0 });
  expect(await vault.run(['restore', '--all', 'honest', '--store', vault.store])).toMatchObject({ code: 0 });
});

describe('K12 K13: names made to escape', () => {
  test.each(['..', '.g\u200cit', '\x1b]0;owned\x07/..'])(
    '%j: 7, shown escaped, nothing written anywhere',
    async (name) => {
      const vault = await openAttackedVault((forgery) => {
        const evil = Buffer.from(name).toString('latin1');
        const inner = forgery.tree([{ mode: '100644', name: 'canary', id: forgery.blob('payload') }]);
        return forgery.tree([{ mode: '40000', name: evil, id: inner }]);
      });
      const before = manifestOf(vault.folder, (path) => path === 'vault/state' || path.startsWith('data'));
      const options = ['--store', vault.store];
      for (const args of [
        ['restore', '--all', id],
        ['ls', '-r', '.', id],
      ]) {
        const { code, out, err } = await vault.run([...args, ...options]);
        expect([args[0], code]).toEqual([args[0], 7]);
        expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200c]/);
      }
      const after = manifestOf(vault.folder, (path) => path === 'vault/state' || path.startsWith('data'));
      expect(after).toEqual(before);
      expect(readdirSync(vault.root).sort()).toEqual(['note', 'state']);
    },
  );
});
