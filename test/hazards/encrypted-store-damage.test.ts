import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { decryptorSource } from '../../src/format/decryptor/decryptor-source.ts';
import { restoreGuide } from '../../src/format/restore-guide.ts';
import type { Deps } from '../../src/engine/deps.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { decodeKeySheet, unlockSheet } from '../../src/format/key-sheet.ts';
import { decodeStoreHeader } from '../../src/format/store-header.ts';
import { isPlainKey } from '../../src/format/store-layout.ts';
import { isHoldfastError } from '../../src/model/errors.ts';
import { parseLabel } from '../../src/model/ids.ts';
import type { IndexRow } from '../../src/model/index-row.ts';
import { bytesBody } from '../contracts/object-storage.contract.ts';
import { createMemoryStorage, type MemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { makeSealedStore, openTestSealed, testSecret } from '../support/sealed-storage.ts';
import { openTestVault } from '../support/test-vault.ts';

let raw: MemoryStorage;

/** A minimal encrypted store: two tiny snapshots, the second needing packs of both. */
beforeEach(async () => {
  raw = createMemoryStorage();
  await makeSealedStore(raw);
  await raw.put('RESTORE.md', bytesBody(Buffer.from(restoreGuide({ isEncrypted: true }))));
  await raw.put('decrypt.mjs', bytesBody(Buffer.from(decryptorSource)));
  const view = openTestSealed(raw);
  await view.encryption.unlock();
  const vault = openTestVault({ root: join(scratchFolder(), 'vault'), rawStorage: raw, ...view });
  for (const path of ['a.md', 'deep/b.md', '.env']) vault.write(path, `${path}\n`);
  await takeSnapshot(vault.deps, { label: parseLabel('first'), kind: 'manual' });
  vault.clock.advance(1000);
  vault.write('deep/b.md', 'changed\n');
  await takeSnapshot(vault.deps, { label: parseLabel('second'), kind: 'manual' });
});

/** A machine with the key that has never seen the store; it writes nothing down. */
async function newMachine(): Promise<Deps> {
  const view = openTestSealed(raw);
  const { deps } = openTestVault({
    root: join(scratchFolder(), 'elsewhere'),
    machine: 'other',
    rawStorage: raw,
    ...view,
  });
  const forgetful = { save: async () => {}, saveAll: async () => {}, saveSighting: async () => {} };
  return {
    ...deps,
    snapshotIndex: { ...deps.snapshotIndex, append: async (event) => ({ event }) as IndexRow },
    recordCache: { ...deps.recordCache, ...forgetful },
  };
}

/** Reads every object as a restore would; true when anything is refused. */
async function isRefused(key: string): Promise<boolean> {
  const { storage } = openTestSealed(raw);
  try {
    const bytes = await storage.get(key);
    if (key === 'holdfast.json') decodeStoreHeader(bytes);
    if (key.startsWith('keys/') && (await unlockSheet(decodeKeySheet(bytes), { secret: testSecret })) === null)
      return true;
    return false;
  } catch (error) {
    if (isHoldfastError(error) && error.kind !== 'internal') return true;
    throw error;
  }
}

const sealedKeys = (): string[] => raw.keys().filter((key) => !isPlainKey(key));

describe('K07: an encrypted store', () => {
  test('the minimal one holds every kind of object', () => {
    const names = raw.keys().map((key) => key.replace(/^.*\//, '').replace(/[0-9a-f]{40}/, 'H'));
    expect([...new Set(names)].toSorted()).toEqual(
      [
        '00000001.json',
        'RESTORE.md',
        'decrypt.mjs',
        'holdfast.json',
        'pack-H.idx',
        'pack-H.pack',
        'snapshot.json',
      ].toSorted(),
    );
  });

  test('every byte of every object changed: not one is passed off as whole', async () => {
    const passed: [string, number][] = [];
    for (const key of [...sealedKeys(), 'holdfast.json', 'keys/00000001.json']) {
      const good = new Uint8Array(raw.peek(key)!);
      for (let at = 0; at < good.length; at++) {
        const bad = new Uint8Array(good);
        bad[at]! ^= 1 << (at % 8);
        raw.poke(key, bad);
        if (!(await isRefused(key))) passed.push([key, at]);
      }
      raw.poke(key, good);
      expect(await isRefused(key)).toBe(false);
    }
    expect(passed).toEqual([]);
  });

  test('every object cut at every length, or grown: not one is passed off as whole', async () => {
    const passed: [string, number][] = [];
    for (const key of [...sealedKeys(), 'holdfast.json', 'keys/00000001.json']) {
      const good = new Uint8Array(raw.peek(key)!);
      for (let size = 0; size <= good.length + 1; size++) {
        if (size === good.length) continue;
        const bad = new Uint8Array(size);
        bad.set(good.subarray(0, size));
        raw.poke(key, bad);
        if (!(await isRefused(key))) passed.push([key, size]);
      }
      raw.poke(key, good);
    }
    expect(passed).toEqual([]);
  });

  test('every object in the place of every other: not one is passed off as that', async () => {
    const passed: string[][] = [];
    for (const to of sealedKeys()) {
      const good = raw.peek(to)!;
      for (const from of sealedKeys()) {
        if (from === to) continue;
        raw.poke(to, raw.peek(from)!);
        if (!(await isRefused(to))) passed.push([from, to]);
        raw.poke(to, good);
      }
    }
    expect(passed).toEqual([]);
  });

  test('verify is content with it, and tells of each damaged object', async () => {
    const whole = await verifyStore(await newMachine(), { depth: 'full' });
    expect([whole.findings, whole.rebuiltIndexes]).toEqual([[], []]);
    const unnoticed: string[] = [];
    for (const key of raw.keys()) {
      const good = raw.peek(key)!;
      for (const at of [0, Math.floor(good.length / 2), good.length - 1]) {
        const bad = new Uint8Array(good);
        bad[at]! ^= 1;
        raw.poke(key, bad);
        if (!(await isNoticed())) unnoticed.push(`${key} ${at}`);
      }
      raw.drop(key);
      if (!(await isNoticed())) unnoticed.push(`${key} gone`);
      raw.poke(key, good);
    }
    expect(unnoticed.filter((line) => !line.endsWith('snapshot.json gone'))).toEqual([]);
  });
});

async function isNoticed(): Promise<boolean> {
  try {
    const { findings, rebuiltIndexes } = await verifyStore(await newMachine(), { depth: 'full' });
    return findings.length + rebuiltIndexes.length > 0;
  } catch (error) {
    if (isHoldfastError(error) && (error.kind === 'integrity' || error.kind === 'key' || error.kind === 'config'))
      return true;
    throw error;
  }
}
