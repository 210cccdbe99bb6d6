import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSnapshotIndex } from '../../src/adapters/snapshot-index/open-snapshot-index.ts';
import type { SnapshotIndex } from '../../src/ports/snapshot-index.ts';
import { sampleEvents } from '../support/sample-events.ts';
import { scratchFolder } from '../support/scratch.ts';

function open(path: string, machine = 'm1'): SnapshotIndex {
  return openSnapshotIndex({ path, machine, user: 'ada', now: () => new Date('2026-04-16T12:00:02.000Z') });
}

async function sampleIndex(): Promise<{ path: string; bytes: Buffer; lines: Buffer[] }> {
  const path = join(scratchFolder(), 'snapshots.ndjson');
  const index = open(path);
  for (const event of sampleEvents) await index.append(event);
  const bytes = readFileSync(path);
  const lines = bytes
    .toString('latin1')
    .split('\n')
    .slice(0, -1)
    .map((line) => Buffer.from(line, 'latin1'));
  return { path, bytes, lines };
}

const added = { event: 'reindex', snapshots: 1, added: 1 } as const;

describe('an index that was cut (K01)', () => {
  test('at any byte of its last line is read, reported and continued on a fresh line', async () => {
    const { path, bytes, lines } = await sampleIndex();
    const lastStart = bytes.length - lines.at(-1)!.length - 1;
    for (let size = lastStart; size <= bytes.length; size++) {
      writeFileSync(path, bytes.subarray(0, size));
      const isTorn = size > lastStart && size < bytes.length - 1;
      const before = await open(path).read();
      const whole = lines.length - (size < bytes.length - 1 ? 1 : 0);
      expect(before.rows.length).toBe(whole);
      expect(before.damage.map(({ line }) => line)).toEqual(isTorn ? [lines.length] : []);

      const row = await open(path).append(added);
      expect(row.sequence).toBe(whole + 1);
      const after = await open(path).read();
      expect(after.rows.length).toBe(whole + 1);
      expect(after.damage).toEqual(before.damage);
      // Nothing that stood there was touched.
      expect(readFileSync(path).subarray(0, size)).toEqual(bytes.subarray(0, size));
    }
  });
});

describe('an index with foreign bytes in it (K02)', () => {
  const cases: readonly [string, (lines: Buffer[]) => Buffer, number[]][] = [
    ['garbage', (lines) => insert(lines, Buffer.from('<<<<<<< HEAD')), [4]],
    ['NUL bytes', (lines) => insert(lines, Buffer.alloc(4096)), [4]],
    ['random bytes with line ends', (lines) => insert(lines, Buffer.from([0xff, 0x0a, 0x80, 0x0a, 0x00])), [4, 5, 6]],
    ['blank lines', (lines) => insert(lines, Buffer.from('\n\n')), [4]],
    ['other JSON', (lines) => insert(lines, Buffer.from('{"a":1}')), [4]],
    ['CRLF line ends', (lines) => Buffer.concat(lines.map((line) => Buffer.concat([line, Buffer.from('\r\n')]))), [1]],
    ['a byte order mark', (lines) => Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), joined(lines)]), [1]],
  ];
  test.each(cases)(
    '%s: every row is still there, the lines are named, the file is left alone',
    async (_, change, damaged) => {
      const { path, lines } = await sampleIndex();
      const changed = change(lines);
      writeFileSync(path, changed);
      const { rows, damage } = await open(path).read();
      expect(rows.map((row) => row.event)).toEqual(sampleEvents);
      expect(damage.map(({ line }) => line)).toEqual(damaged);
      expect(readFileSync(path)).toEqual(changed);
      expect(await open(path).append(added)).toMatchObject({
        sequence: sampleEvents.length + 1,
        previous: rows.at(-1)!.checksum,
      });
      expect((await open(path).read()).rows.length).toBe(sampleEvents.length + 1);
    },
  );

  test('a million bad lines give a bounded report', async () => {
    const { path, lines } = await sampleIndex();
    writeFileSync(path, Buffer.concat([Buffer.from('x\n'.repeat(1_000_000)), joined(lines)]));
    const { rows, damage } = await open(path).read();
    expect(rows.length).toBe(lines.length);
    expect(damage.length).toBe(1001);
    expect(damage.at(-1)!.reason).toContain('999000 more');
  });
});

describe('an index that was merged (K03)', () => {
  test('shows each row once whatever the order, and links still hold', async () => {
    const { path, lines } = await sampleIndex();
    writeFileSync(path, joined([...lines.toReversed(), lines[2]!, lines[2]!]));
    const { rows, damage } = await open(path).read();
    expect(rows.map((row) => row.event)).toEqual(sampleEvents.toReversed());
    expect(damage).toEqual([
      { line: lines.length + 1, reason: `a copy of line ${lines.length - 2}` },
      { line: lines.length + 2, reason: `a copy of line ${lines.length - 2}` },
    ]);
  });
});

describe('an index that is gone or empty (K04)', () => {
  test('starts again', async () => {
    const { path } = await sampleIndex();
    writeFileSync(path, '');
    expect(await open(path).read()).toEqual({ rows: [], damage: [], exists: true });
    expect(await open(path).append(added)).toMatchObject({ sequence: 1, previous: null });
  });
});

function insert(lines: Buffer[], bytes: Buffer): Buffer {
  return Buffer.concat([joined(lines.slice(0, 3)), bytes, Buffer.from('\n'), joined(lines.slice(3))]);
}

function joined(lines: Buffer[]): Buffer {
  return Buffer.concat(lines.map((line) => Buffer.concat([line, Buffer.from('\n')])));
}
