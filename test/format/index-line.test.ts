import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeIndexLine, encodeIndexLine } from '../../src/format/index-line.ts';
import type { IndexEvent, IndexRow } from '../../src/model/index-row.ts';
import { sampleEvents } from '../support/sample-events.ts';
import { sha256Like } from '../support/sample-record.ts';

function rowOf(event: IndexEvent): Omit<IndexRow, 'checksum'> {
  const previous = sha256Like('5');
  return { at: '2026-04-16T12:00:02.000Z', machine: '0123456789abcdef', user: 'ada', sequence: 7, previous, event };
}

/** A line with this JSON text and a checksum that matches it. */
function signed(body: string): Buffer {
  const sum = createHash('sha256').update(body).digest('hex');
  return Buffer.from(`${body},"sum":"${sum}"}`);
}

describe('an index line', () => {
  test.each(sampleEvents)('of $event comes back as it was', (event) => {
    const { line, checksum } = encodeIndexLine(rowOf(event));
    expect(line.at(-1)).toBe(0x0a);
    expect(line.indexOf(0x0a)).toBe(line.length - 1);
    expect(decodeIndexLine(line.subarray(0, -1))).toEqual({ kind: 'row', row: { ...rowOf(event), checksum } });
  });

  test('ends with the checksum of what stands before it', () => {
    const text = encodeIndexLine(rowOf(sampleEvents[0]!)).line.toString('utf8');
    const [body, sum] = text.split(',"sum":');
    expect(sum).toBe(`"${createHash('sha256').update(body!).digest('hex')}"}\n`);
    expect(Object.keys(JSON.parse(text) as object)).toEqual([
      'v',
      'at',
      'machine',
      'user',
      'seq',
      'prev',
      'event',
      'store',
      'vaultId',
      'versioning',
      'sum',
    ]);
  });

  test.each(sampleEvents)('of $event, cut at any byte, is damaged', (event) => {
    const { line } = encodeIndexLine(rowOf(event));
    for (let size = 0; size < line.length - 1; size++) {
      expect(decodeIndexLine(line.subarray(0, size)).kind).toBe('damaged');
    }
  });

  test.each(sampleEvents)('of $event, with any bit flipped, is damaged', (event) => {
    const line = encodeIndexLine(rowOf(event)).line.subarray(0, -1);
    for (let at = 0; at < line.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(line);
        flipped[at] = flipped[at]! ^ (1 << bit);
        expect(decodeIndexLine(flipped).kind).toBe('damaged');
      }
    }
  });

  test('of a newer version or an unknown event is told from damage', () => {
    const head = '{"v":1,"at":"2026-04-16T12:00:02.000Z","machine":"m1","user":"ada","seq":3,"prev":null';
    expect(decodeIndexLine(signed(`${head},"event":"yet_unheard_of","to":"x"`))).toMatchObject({
      kind: 'unknown',
      link: { machine: 'm1', sequence: 3, previous: null },
    });
    expect(decodeIndexLine(signed('{"v":2,"anything":[]'))).toMatchObject({ kind: 'unknown', link: null });
    expect(decodeIndexLine(signed(`${head},"event":"toString"`))).toMatchObject({ kind: 'damaged' });
    expect(decodeIndexLine(signed(`${head},"event":"constructor"`))).toMatchObject({ kind: 'unknown' });
  });

  test.each([
    '{',
    '[1',
    '{"v":1',
    '{"v":0',
    '{"v":1,"at":"x","machine":"m","user":"u","seq":1,"prev":null,"event":"init"',
    '{"v":1,"at":"2026-04-16T12:00:02.000Z","machine":"../m","user":"u","seq":1,"prev":null,"event":"init"',
    '{"v":1,"at":"2026-04-16T12:00:02.000Z","machine":"m","user":"u","seq":-1,"prev":null,"event":"init"',
    '{"v":1,"at":"2026-04-16T12:00:02.000Z","machine":"m","user":"u","seq":1,"prev":"x","event":"init"',
    '{"v":1,"at":"2026-04-16T12:00:02.000Z","machine":"m","user":"u","seq":1,"prev":null,"event":"export","id":"..","sizeBytes":1',
    '{"v":1,"at":"2026-04-16T12:00:02.000Z","machine":"m","user":"u","seq":1,"prev":null,"event":"reindex","snapshots":1.5,"added":0',
  ])('with a right checksum but wrong content %j is damaged', (body) => {
    expect(decodeIndexLine(signed(body)).kind).toBe('damaged');
  });
});
