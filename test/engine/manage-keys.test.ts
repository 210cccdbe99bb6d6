import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createKeys } from '../../src/engine/create-keys.ts';
import { addKey, removeKey, renewMaster, resumeRotation, rotateKey } from '../../src/engine/manage-keys.ts';
import { loadStoreView, openPointReader } from '../../src/engine/store-view.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { decodeKeySheet, unlockSheet } from '../../src/format/key-sheet.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import { parseLabel } from '../../src/model/ids.ts';
import type { KeySecret } from '../../src/model/store-keys.ts';
import { createMemoryStorage, type MemoryStorage } from '../support/memory-storage.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestSealed } from '../support/sealed-storage.ts';
import { openTestVault, type TestVault } from '../support/test-vault.ts';

const rawKey = (): KeySecret => ({ kind: 'raw', bytes: randomBytes(32) });
const [first, second, third, recovery] = [rawKey(), rawKey(), rawKey(), rawKey()] as const;

let raw: MemoryStorage;
let root: string;
let taken: number;

/** The next command of the machine, with this key. */
async function open(secret: KeySecret, machine = 'desk'): Promise<TestVault> {
  const view = openTestSealed(raw, {
    readSecret: async () => secret,
    knownFile: join(root, `${machine}-known.json`),
  });
  const vault = openTestVault({ root: join(root, machine), machine, rawStorage: raw, ...view });
  vault.clock.advance(taken * 1000);
  const random = { bytes: (size: number) => randomBytes(size) };
  await view.encryption.unlock();
  return { ...vault, deps: { ...vault.deps, random } };
}

async function snapshot(secret: KeySecret, label: string): Promise<void> {
  taken++;
  const vault = await open(secret);
  vault.write('a.md', `${label}\n`);
  const outcome = await takeSnapshot(vault.deps, { label: parseLabel(label), kind: 'manual' });
  expect(outcome).toMatchObject({ kind: 'taken', where: 'store' });
}

/** True when this key opens the store for a machine that never saw it, and every snapshot is whole. */
async function opensAll(secret: KeySecret): Promise<boolean> {
  const machine = `new-${randomBytes(4).toString('hex')}`;
  try {
    const { deps } = await open(secret, machine);
    const { findings, snapshots } = await verifyStore(deps, { depth: 'full' });
    expect(findings.filter(({ key }) => key.startsWith('snapshots/'))).toEqual([]);
    expect(snapshots).toBe(taken);
    const view = await loadStoreView(deps, { refresh: 'always' });
    const { reader } = await openPointReader(deps, view.points);
    for (const { record } of view.points) expect(reader.has(record.tree)).toBe(true);
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'key_wrong') return false;
    throw error;
  }
}

const opens = async (...secrets: readonly KeySecret[]): Promise<boolean[]> => {
  const answers: boolean[] = [];
  for (const secret of secrets) answers.push(await opensAll(secret));
  return answers;
};

beforeEach(async () => {
  raw = createMemoryStorage();
  root = scratchFolder();
  taken = 0;
  const { deps } = await open(first);
  await createKeys(deps, [
    { name: 'laptop', secret: first },
    { name: 'recovery', secret: recovery },
  ]);
  await snapshot(first, 'one');
});

describe('the keys of an encrypted store', () => {
  test('are added and removed, and the last stays', async () => {
    await addKey((await open(first)).deps, { name: 'office', secret: second });
    expect(await opens(first, second, recovery, third)).toEqual([true, true, true, false]);
    await removeKey((await open(second)).deps, 'laptop');
    expect(await opens(first, second, recovery)).toEqual([false, true, true]);
    await removeKey((await open(second)).deps, 'recovery');
    await expect(removeKey((await open(second)).deps, 'office')).rejects.toMatchObject({
      code: 'key_needed',
      kind: 'refused',
    });
    expect(await opens(second)).toEqual([true]);
  });

  test('have names of their own, and are named rightly', async () => {
    const { deps } = await open(first);
    await expect(addKey(deps, { name: 'laptop', secret: second })).rejects.toMatchObject({ code: 'flag_invalid' });
    await expect(addKey(deps, { name: 'office', secret: recovery })).rejects.toMatchObject({ code: 'flag_invalid' });
    await expect(removeKey(deps, 'nobody')).rejects.toMatchObject({ code: 'key_unknown', kind: 'not_found' });
  });

  test('changed by two machines at once: one wins, the other is told', async () => {
    const [one, other] = [await open(first), await open(recovery, 'other')];
    const results = await Promise.allSettled([
      addKey(one.deps, { name: 'a', secret: second }),
      addKey(other.deps, { name: 'b', secret: third }),
    ]);
    const lost = results.filter((result) => result.status === 'rejected');
    expect(lost.length).toBeLessThanOrEqual(1);
    for (const { reason } of lost) expect(reason).toMatchObject({ kind: 'busy' });
    expect((await opens(second, third)).filter(Boolean).length).toBe(2 - lost.length);
    expect(await opens(first, recovery)).toEqual([true, true]);
  });

  test('are noted in the index, without anything secret', async () => {
    const vault = await open(first);
    await addKey(vault.deps, { name: 'office', secret: second });
    const { rows } = await vault.deps.snapshotIndex.read();
    expect(rows.at(-1)?.event).toEqual({ event: 'key', action: 'add', name: 'office', generation: 2 });
  });

  test('a removed key opens no sheet that is left in the store', async () => {
    await removeKey((await open(recovery)).deps, 'laptop');
    for (const key of raw.keys().filter((name) => name.startsWith('keys/'))) {
      expect(await unlockSheet(decodeKeySheet(raw.peek(key)!), { secret: first })).toBeNull();
    }
  });

  test('A03: without the right to delete, the change is made and says what is left', async () => {
    raw.hooks = {
      beforeCall(operation) {
        if (operation === 'delete') throw new HoldfastError('access_denied', 'no');
      },
    };
    const change = await removeKey((await open(recovery)).deps, 'laptop');
    expect(change.sheetsLeft).toBe(1);
    raw.hooks = {};
    expect(await opens(first, recovery)).toEqual([false, true]);
  });
});

describe('A05: a rotation', () => {
  test('puts the new key in the place of the old', async () => {
    await rotateKey((await open(first)).deps, { secret: second });
    expect(await opens(first, second, recovery)).toEqual([false, true, true]);
    await snapshot(second, 'two');
    expect(await opens(second, recovery)).toEqual([true, true]);
  });

  test('interrupted at any request leaves every snapshot readable, and is finished with --resume', async () => {
    let isOver = false;
    for (let stopAt = 0; !isOver; stopAt++) {
      raw = createMemoryStorage();
      root = scratchFolder();
      taken = 0;
      await createKeys((await open(first)).deps, [
        { name: 'laptop', secret: first },
        { name: 'recovery', secret: recovery },
      ]);
      await snapshot(first, 'one');
      const { deps } = await open(first);
      let calls = 0;
      const stop = (): void => {
        if (calls++ === stopAt) throw new HoldfastError('storage_unavailable', 'cut off');
      };
      // Before it arrived, or after it was carried out.
      raw.hooks = stopAt % 2 === 0 ? { beforeCall: stop } : { afterCall: stop };
      const failure = await rotateKey(deps, { secret: second }).then(
        () => null,
        (error: HoldfastError) => error.code,
      );
      expect([null, 'storage_unavailable']).toContain(failure);
      isOver = failure === null && calls <= stopAt;
      raw.hooks = {};
      const [byOld, byNew, byRecovery] = await opens(first, second, recovery);
      expect([byOld || byNew, byRecovery]).toEqual([true, true]);
      await snapshot(byNew ? second : first, 'two');
      if (!byNew) await rotateKey((await open(first)).deps, { secret: second });
      else await resumeRotation((await open(second)).deps);
      expect(await opens(first, second, recovery)).toEqual([false, true, true]);
    }
  });

  test('under way is finished with the new key only, and no other is begun', async () => {
    const { deps } = await open(first);
    const stop = new AbortController();
    raw.hooks = {
      afterCall: (operation, key) =>
        void (operation === 'putIfAbsent' && key.startsWith('keys/') && stop.abort(new Error('stop'))),
    };
    await expect(rotateKey(deps, { secret: second }, { signal: stop.signal })).rejects.toThrow('stop');
    raw.hooks = {};
    expect(await opens(first, second)).toEqual([true, true]);
    await expect(rotateKey((await open(first)).deps, { secret: third })).rejects.toMatchObject({ kind: 'refused' });
    await expect(resumeRotation((await open(first)).deps)).rejects.toMatchObject({ kind: 'refused' });
    expect(await resumeRotation((await open(second)).deps)).not.toBeNull();
    expect(await opens(first, second)).toEqual([false, true]);
    expect(await resumeRotation((await open(second)).deps)).toBeNull();
  });
});

describe('a new master key', () => {
  test('keeps old snapshots readable, and new ones from whoever knew only the old', async () => {
    await addKey((await open(first)).deps, { name: 'stolen', secret: third });
    const before = raw.keys().filter((key) => key.startsWith('keys/'));
    const oldSheet = new Uint8Array(raw.peek(before[0]!)!);
    const thief = (await unlockSheet(decodeKeySheet(oldSheet), { secret: third }))!;
    await renewMaster((await open(first)).deps, { name: 'recovery', secret: second });
    await snapshot(first, 'two');
    expect(await opens(first, second, third, recovery)).toEqual([true, true, false, false]);
    const newest = raw
      .keys()
      .filter((key) => key.endsWith('snapshot.json'))
      .at(-1)!;
    const master = Buffer.from(raw.peek(newest)!).toString('hex', 20, 28);
    expect(thief.keyring.masters.has(master)).toBe(false);
  });

  test('is taken up by a machine that did not hear of it', async () => {
    const other = await open(first, 'other');
    await renewMaster((await open(first)).deps, { name: 'recovery', secret: second });
    await snapshot(first, 'two');
    const view = await loadStoreView(other.deps, { refresh: 'always' });
    expect([view.points.map(({ record }) => record.label), view.invalid]).toEqual([['two', 'one'], []]);
  });
});
