import { expect, test } from 'vitest';
import { choosePoint, describePoint } from '../../src/cli/choose-point.ts';
import type { SnapshotId } from '../../src/model/ids.ts';
import { fakePoint } from './fake-point.ts';

const now = new Date('2026-11-20T14:05:00Z');
const points = [
  fakePoint({ id: '2026-11-20T14:03:11Z-b', label: '2027-01-01' }),
  fakePoint({ id: '2026-11-20T12:01:40Z-a', label: 'yesterday' }),
  fakePoint({ id: '2026-11-18T12:01:40Z-z', label: 'old' }),
];
const chosen = async (raw: string) => (await choosePoint(points, raw, { now })).point.record.id;

test('what is exactly a label is never read as a time', async () => {
  expect(await chosen('2027-01-01')).toBe(points[0]!.record.id);
  expect(await chosen('yesterday')).toBe(points[1]!.record.id);
});

test('times mean the newest point before them, and are echoed', async () => {
  expect(await chosen('2 hours ago')).toBe(points[1]!.record.id);
  expect(await chosen('2 days ago')).toBe(points[2]!.record.id);
  const choice = await choosePoint(points, '2026-11-20T13:00:00Z', { now });
  expect(describePoint(choice, now)).toMatch(
    /^2026-11-20T12:01:40Z-a \(2 h ago, the newest at 2026-11-20 \d\d:00:00 [+-]\d\d:\d\d\)$/,
  );
  expect(describePoint(await choosePoint(points, 'latest~1', { now }), now)).toBe('2026-11-20T12:01:40Z-a (2 h ago)');
});

test.each([
  ['2027-01-02', 'when_invalid'],
  ['2026-02-30', 'when_invalid'],
  ['2020-01-01', 'snapshot_unknown'],
  ['nothing of the kind', 'snapshot_unknown'],
  ['latest~9', 'snapshot_unknown'],
])('%s is %s', async (raw, code) => {
  await expect(choosePoint(points, raw, { now })).rejects.toMatchObject({ code });
});

test('what no readable record is may be one that cannot be read: nobody says that it does not exist', async () => {
  const damaged = { id: '2026-11-19T09:00:00Z-lost' as SnapshotId, reason: 'its checksum is wrong', isNewer: false };
  const newer = { ...damaged, isNewer: true };
  const ask = async (raw: string, invalid = [damaged], readable = points): Promise<unknown> =>
    choosePoint(readable, raw, { now, invalid }).catch((error: unknown) => error);
  const saysWhy = { code: 'record_invalid', message: expect.stringContaining(damaged.reason) };
  expect(await ask('lost')).toMatchObject(saysWhy);
  expect(await ask(damaged.id)).toMatchObject({ code: 'record_invalid', message: damaged.reason });
  expect(await ask('latest', [damaged], [])).toMatchObject(saysWhy);
  expect(await ask('lost', [newer])).toMatchObject({ code: 'store_newer' });
  expect((await choosePoint(points, 'old', { now, invalid: [damaged] })).point).toBe(points[2]);
});
