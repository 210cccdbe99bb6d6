import fc from 'fast-check';
import { expect, test } from 'vitest';
import { choosePacks } from '../../src/engine/choose-packs.ts';
import { silentMachineReasons } from '../../src/engine/machines-health.ts';
import type { IndexRow } from '../../src/model/index-row.ts';
import type { PackRef } from '../../src/model/snapshot.ts';
import { fakePoint } from '../cli/fake-point.ts';

const random = { bytes: (size: number) => new Uint8Array(size).fill(0x80) };
const pack = (n: number, sizeBytes: number): PackRef => ({ key: `packs/${n}`, sizeBytes }) as PackRef;

function provedRow(day: number, keys: readonly string[]): IndexRow {
  const event = {
    event: 'verify',
    store: 's',
    depth: 'sample',
    snapshots: 0,
    packs: 0,
    readBytes: 0,
    findings: 0,
    durationMs: 0,
  } as const;
  return {
    at: new Date(Date.UTC(2026, 0, day)).toISOString(),
    event: { ...event, proved: keys },
  } as unknown as IndexRow;
}

test('rolling shares read every byte of a store in a month, however it grows', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 30 }), (all, runs) => {
      const packs = all.map((sizeBytes, n) => pack(n, sizeBytes));
      const rows: IndexRow[] = [
        provedRow(
          1,
          packs.map(({ key }) => key),
        ),
      ];
      const read = new Set<string>();
      for (let run = 1; run <= runs; run++) {
        const chosen = choosePacks(packs, { depth: { rolling: 1 / runs }, rows, store: 's', random });
        for (const { key } of chosen) read.add(key);
        rows.push(
          provedRow(
            1 + run,
            chosen.map(({ key }) => key),
          ),
        );
      }
      expect(read.size).toBe(packs.length);
    }),
  );
});

test('what was never proved comes first, and besides the share', () => {
  const packs = [pack(1, 100), pack(2, 100), pack(3, 100)];
  const rows = [provedRow(2, ['packs/1']), provedRow(1, ['packs/2'])];
  const keys = (depth: Parameters<typeof choosePacks>[1]['depth']) =>
    choosePacks(packs, { depth, rows, store: 's', random }).map(({ key }) => key);
  expect(keys({ rolling: 0.1 })).toEqual(['packs/3', 'packs/2']);
  expect(keys('new')).toEqual(['packs/3']);
  expect(keys('quick')).toEqual([]);
  expect(keys('full')).toHaveLength(3);
  expect(keys({ sample: 0.1 })).toEqual(['packs/3']);
});

test('another machine that has gone silent is warned of, for three months', () => {
  const latest = fakePoint();
  const takenMs = Date.parse(latest.record.takenAt);
  const reasons = (days: number, isThis = false) =>
    silentMachineReasons([{ name: 'lap\u001btop', isThis, latest }], new Date(takenMs + days * 86_400_000));
  expect(reasons(1)).toEqual([]);
  expect(reasons(3)).toMatchObject([{ colour: 'yellow' }]);
  expect(reasons(3)[0]!.text).not.toContain('\u001b');
  expect(reasons(3, true)).toEqual([]);
  expect(reasons(100)).toEqual([]);
});
