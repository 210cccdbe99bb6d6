import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { takeSnapshot, type SnapshotOutcome } from '../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { exitCodeOf } from '../../src/cli/exit-codes.ts';
import { type Label, parseLabel } from '../../src/model/ids.ts';
import { loadStoreView } from '../../src/engine/store-view.ts';
import { addVersion } from '../support/s3-server/bucket.ts';
import { useS3Rig } from '../support/s3-rig.ts';
import type { Fault } from '../support/s3-server/faults.ts';
import { scratchFolder } from '../support/scratch.ts';
import { movableClock, openTestVault, type TestVault } from '../support/test-vault.ts';

const rig = useS3Rig();
/** More than two snapshots make. */
const requestsMax = 60;

interface RequestFault extends Pick<Fault, 'operation' | 'key' | 'action'> {
  readonly name: string;
  /** Trying the request again is enough when it happens once. */
  readonly passes: boolean;
}

const webPage = '<!doctype html><title>Sign in</title>';
const requestFaults: readonly RequestFault[] = [
  { name: 'S03 is cut before it arrives', action: { kind: 'drop', when: 'before' }, passes: true },
  { name: 'S07 is carried out and its reply lost', action: { kind: 'drop', when: 'after' }, passes: true },
  {
    name: 'S01 is answered 503 with a time to wait',
    action: { kind: 'answer', status: 503, code: 'SlowDown', headers: { 'retry-after': '1' } },
    passes: true,
  },
  { name: 'S01 is answered 500', action: { kind: 'answer', status: 500, code: 'InternalError' }, passes: true },
  { name: 'S04 has its answer cut short', action: { kind: 'truncate', bytes: 7, how: 'reset' }, passes: true },
  {
    name: 'S06 has its answer cut short with lengths that fit',
    action: { kind: 'truncate', bytes: 7, how: 'consistent' },
    passes: true,
  },
  { name: 'S05 is never answered', action: { kind: 'stall' }, passes: true },
  {
    name: 'S16 is a put answered 409',
    operation: 'PutObject',
    action: { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' },
    passes: true,
  },
  { name: 'S23 is answered by a web page', action: { kind: 'answer', status: 200, body: webPage }, passes: false },
  ...['.pack', '.idx'].map((key): RequestFault => ({
    name: `S08 is a put of a ${key} that is acknowledged and half kept`,
    operation: 'PutObject',
    key,
    action: { kind: 'lose_put', keepBytes: 40 },
    passes: false,
  })),
];

/** One machine and its vault; every command opens it anew, as a new process would. */
interface Machine {
  readonly captured: Label[];
  /** How long a silent connection is waited for: real time. Between tries only the clock of the test moves. */
  readonly patience: { idleMs: number };
  snapshot(label: string): Promise<SnapshotOutcome>;
  open(): Promise<TestVault>;
}

function newMachine(): Machine {
  const folder = scratchFolder();
  const [root, clock] = [join(folder, 'vault'), movableClock()];
  const captured: Label[] = [];
  const patience = { idleMs: 60_000 };
  const open = async (): Promise<TestVault> => {
    clock.advance(1000);
    // What is waited for on the connection is real time; between tries only the test's clock moves.
    const storage = await rig.open({
      idleTimeoutMs: patience.idleMs,
      retryWindowMs: 1500,
      capabilitiesFile: join(folder, 'learnt'),
    });
    return openTestVault({ root, storage, clock });
  };
  return {
    captured,
    patience,
    open,
    async snapshot(label) {
      const vault = await open();
      vault.write(`${label}.md`, `words of ${label}\n`);
      const outcome = await takeSnapshot(vault.deps, { label: parseLabel(label), kind: 'manual' });
      captured.push(parseLabel(label));
      return outcome;
    },
  };
}

/** Every captured snapshot is in the store once, and every byte of the store is right. */
async function expectHealed(machine: Machine): Promise<void> {
  machine.patience.idleMs = 60_000;
  rig.server.faults.clear();
  await machine.snapshot('after-the-fault');
  const vault = await machine.open();
  const { points, spooled } = await loadStoreView(vault.deps, { refresh: 'always' });
  expect(spooled).toEqual([]);
  expect(points.map(({ record }) => record.label).toSorted()).toEqual(machine.captured.toSorted());
  expect((await verifyStore(vault.deps, { depth: 'full' })).findings).toEqual([]);
}

describe.each(requestFaults)('the n-th request of a snapshot $name', ({ name: _name, passes, ...fault }) => {
  test.each([
    ['once', 1],
    ['and all after it', Infinity],
  ])('%s: nothing acknowledged is lost, and the next snapshot heals the rest', async (_times, times) => {
    // A storage that vouches for bytes it did not keep, checksum and all, can only be found out by `verify`.
    if (fault.action.kind === 'lose_put') rig.server.behaviour.checksums = 'silent';
    let failed = 0;
    for (let from = 1; ; from++) {
      expect(from).toBeLessThan(requestsMax);
      rig.server.bucket.objects.clear();
      const machine = newMachine();
      if (fault.action.kind === 'stall') machine.patience.idleMs = times === 1 ? 250 : 30;
      rig.server.faults.add({ ...fault, from, times });
      rig.server.requests.length = 0;
      for (const label of ['first', 'second']) {
        const { publishError, ...outcome } = await machine.snapshot(label);
        if (publishError === null) continue;
        failed++;
        expect(exitCodeOf(publishError)).toBe(5);
        expect(outcome).toMatchObject({ kind: 'taken', where: 'local' });
      }
      const { operation = '', key = '' } = fault;
      const seen = rig.server.requests.filter((request) => request.startsWith(operation) && request.endsWith(key));
      await expectHealed(machine);
      if (seen.length < from) break;
    }
    expect(failed > 0).toBe(times === Infinity || !passes);
  });
});

test('S08: a record that was half kept is listed as invalid, and its snapshot stored under another id', async () => {
  rig.server.behaviour.checksums = 'silent';
  const machine = newMachine();
  await machine.snapshot('before');
  rig.server.faults.add({ key: 'snapshot.json', operation: 'PutObject', action: { kind: 'lose_put', keepBytes: 40 } });
  const { publishError } = await machine.snapshot('halved');
  expect(publishError).toMatchObject({ code: 'storage_answer_invalid' });
  await machine.snapshot('after');
  const vault = await machine.open();
  const { points, invalid } = await loadStoreView(vault.deps, { refresh: 'always' });
  expect(points.map(({ record }) => record.label)).toEqual(['after', 'halved', 'before']);
  expect(invalid.map(({ id }) => id)).toEqual(['2026-03-01T09:00:02Z-halved']);
  expect(points[1]!.record.id).toBe('2026-03-01T09:00:02Z-halved-2');
  const { findings } = await verifyStore(vault.deps, { depth: 'full' });
  expect(findings.map(({ key }) => key)).toEqual(['snapshots/2026-03-01T09:00:02Z-halved/snapshot.json']);
});

test('a snapshot renamed by a clash keeps the chain whole, though the store went away before it was published', async () => {
  const machine = newMachine();
  await machine.snapshot('before');
  rig.server.faults.add({ operation: 'PutObject', times: Infinity, action: { kind: 'drop', when: 'before' } });
  await machine.snapshot('waiting');
  await machine.snapshot('behind');
  rig.server.faults.clear();
  // Somebody else's bytes under the waiting one's key, and then one put that goes through.
  addVersion(rig.server.bucket, 'store/snapshots/2026-03-01T09:00:02Z-waiting/snapshot.json', {
    bytes: Buffer.from('{}'),
  });
  rig.server.faults.add({ operation: 'PutObject', from: 5, times: Infinity, action: { kind: 'drop', when: 'before' } });
  expect((await machine.snapshot('third')).publishError).toMatchObject({ code: 'storage_unavailable' });
  rig.server.bucket.objects.delete('store/snapshots/2026-03-01T09:00:02Z-waiting/snapshot.json');
  await expectHealed(machine);
});

test('S10: a listing that is behind the store makes no snapshot disappear', async () => {
  const machine = newMachine();
  for (const label of ['one', 'two', 'three']) await machine.snapshot(label);
  const vault = await machine.open();
  const staleList = { kind: 'stale_list', hideCount: 5 } as const;
  rig.server.faults.add({ operation: 'ListObjectsV2', times: Infinity, action: staleList });
  const { points, missing } = await loadStoreView(vault.deps, { refresh: 'always' });
  expect([points.map(({ record }) => record.label), missing]).toEqual([['three', 'two', 'one'], []]);
  expect((await verifyStore(vault.deps, { depth: 'full' })).findings).toEqual([]);
  // Half a day later the next snapshot has to look at the store again.
  vault.clock.advance(13 * 3_600_000);
  expect((await machine.snapshot('four')).publishError).toBeNull();
  await expectHealed(machine);
});

test('S09: parts of an upload that was killed are dropped a day later, those of others stay', async () => {
  const machine = newMachine();
  await machine.snapshot('one');
  const upload = (key: string, ageHours: number): string => {
    const id = `${key} ${ageHours}`;
    const initiatedAt = new Date(Date.now() - ageHours * 3_600_000);
    rig.server.bucket.uploads.set(id, { id, key, hasChecksum: false, initiatedAt, parts: new Map() });
    return id;
  };
  const ours = `store/snapshots/2026-02-01T00:00:00Z-x/pack-${'a'.repeat(40)}.pack`;
  upload(ours, 30);
  const staying = [upload(ours, 1), upload('elsewhere/film.mkv', 100)];
  await machine.snapshot('two');
  expect(rig.server.bucket.uploads.size).toBe(3);
  (await machine.open()).clock.advance(13 * 3_600_000);
  await machine.snapshot('three');
  expect([...rig.server.bucket.uploads.keys()]).toEqual(staying);
});
