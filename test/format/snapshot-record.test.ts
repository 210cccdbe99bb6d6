import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRecord, encodeRecord, recordSizeBytesMax } from '../../src/format/snapshot-record.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import type { Label, SnapshotId } from '../../src/model/ids.ts';
import { sampleId, sampleRecord } from '../support/sample-record.ts';
import { withRightSum } from '../support/right-sum.ts';
import { prettyJson } from '../../src/format/pretty-json.ts';

const encoded = Buffer.from(encodeRecord(sampleRecord()));

function decodeJson(change: (document: Record<string, unknown>) => void): unknown {
  const document = JSON.parse(encoded.toString('utf8')) as Record<string, unknown>;
  change(document);
  delete document['sum'];
  return decodeRecord(Buffer.from(withRightSum(prettyJson(document))), sampleId);
}

function codeOf(action: () => unknown): { code: string; field: unknown } {
  try {
    action();
  } catch (error) {
    if (error instanceof HoldfastError) return { code: error.code, field: error.data['field'] };
    throw error;
  }
  return { code: 'accepted', field: null };
}

/** Sets the value at a path like `packs.0.key`. */
function setAt(document: Record<string, unknown>, path: string, value: unknown): void {
  const parts = path.split('.');
  const last = parts.pop()!;
  let at = document as Record<string, unknown>;
  for (const part of parts) at = at[part] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
}

describe('a record', () => {
  test('comes back as it was', () => {
    expect(decodeRecord(encoded, sampleId)).toEqual(sampleRecord());
  });

  test('is the same bytes whatever the order of keys in memory', () => {
    const record = sampleRecord();
    const shuffled = Object.fromEntries(Object.entries(record).toReversed()) as unknown as typeof record;
    expect(Buffer.from(encodeRecord(shuffled))).toEqual(encoded);
  });

  test('is readable text: format first, one row a line, a final newline', () => {
    const lines = encoded.toString('utf8').split('\n');
    expect(lines[1]).toBe('  "format": 1,');
    expect(lines.at(-1)).toBe('');
    expect(lines).toContain(`  "commit": "${'a'.repeat(40)}",`);
    expect(lines).toContain(`      { "id": "${'e'.repeat(40)}", "name": "refs/heads/main" },`);
    expect(lines).toContain(`      { "id": "${'f'.repeat(40)}", "name": { "b64": "cmVmcy9oZWFkcy9uYe92ZQ==" } },`);
  });

  test('shows nothing raw that a terminal would act on', () => {
    const bytes = encodeRecord(sampleRecord({ vault: { id: 'v', name: '\u001b[31m\u009b\u202e\ufeff\u007f' } }));
    expect(Buffer.from(bytes).toString('utf8')).toContain(String.raw`\u001b[31m\u009b\u202e\ufeff\u007f`);
    expect(decodeRecord(bytes, sampleId).vault.name).toBe('\u001b[31m\u009b\u202e\ufeff\u007f');
  });

  test('keeps any bytes in names and any text in labels', () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString('latin1'));
    const label = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => Buffer.byteLength(text) <= 200 && !/[\p{C}\u2028\u2029\u200e\u200f]/u.test(text));
    fc.assert(
      fc.property(bytes, bytes, label, fc.nat(), (path, branch, name, size) => {
        const record = sampleRecord({
          label: name as Label,
          problems: [{ path, code: 'unstable', message: path }],
          ledger: [{ path, reason: 'secret', source: '', fileCount: size, sizeBytes: size, atLeast: false }],
          git: { ...sampleRecord().git!, branch, refs: [{ name: branch, id: sampleRecord().commit }] },
        });
        expect(decodeRecord(encodeRecord(record), record.id)).toEqual(record);
      }),
      { numRuns: 200 },
    );
  });

  test('of a holdfast that adds fields is read, the fields ignored', () => {
    expect(decodeJson((document) => setAt(document, 'packs.0.colour', 'red'))).toEqual(sampleRecord());
    expect(decodeJson((document) => setAt(document, 'future', { a: [1] }))).toEqual(sampleRecord());
    expect(decodeJson((document) => setAt(document, 'problems.0.code', 'a_new_code'))).toMatchObject({ id: sampleId });
  });

  test('is never published when it could not be read back', () => {
    const chain = { sequence: 1, previous: null };
    for (const bad of [
      sampleRecord({ counts: { ...sampleRecord().counts, files: Number.NaN } }),
      sampleRecord({ label: '' as Label }),
      sampleRecord({ chain: { ...chain, sequence: -1 } }),
      sampleRecord({ vault: { id: 'v', name: '\ud800' } }),
    ]) {
      expect(codeOf(() => encodeRecord(bad)).code).toBe('record_invalid');
    }
  });
});

describe('a hostile or damaged record', () => {
  const refused: readonly [path: string, value: unknown, field: string][] = [
    ['id', '../../etc/passwd', 'id'],
    ['id', '2026-04-16T12:00:00Z-other', 'id'],
    ['id', '', 'id'],
    ['label', '', 'label'],
    ['label', 'a\u0000b', 'label'],
    ['label', 'x'.repeat(1_000_000), 'label'],
    ['label', ['pre'], 'label'],
    ['kind', 'other', 'kind'],
    ['takenAt', '2026-04-16', 'takenAt'],
    ['takenAt', '2026-13-16T12:00:00.000Z', 'takenAt'],
    ['durationMs', -1, 'durationMs'],
    ['commit', 'A'.repeat(40), 'commit'],
    ['commit', `${'a'.repeat(40)}\n`, 'commit'],
    ['tree', undefined, 'tree'],
    ['metadata', null, 'metadata'],
    ['packs', {}, 'packs'],
    ['packs.0.key', '../pack', 'packs[0].key'],
    ['packs.0.key', `snapshots/../pack-${'d'.repeat(40)}.pack`, 'packs[0].key'],
    ['packs.0.key', `packs/pack-${'d'.repeat(40)}.idx`, 'packs[0].key'],
    ['packs.0.sizeBytes', -1, 'packs[0].sizeBytes'],
    ['packs.0.sizeBytes', 1.5, 'packs[0].sizeBytes'],
    ['packs.0.sizeBytes', 2 ** 63, 'packs[0].sizeBytes'],
    ['packs.0.sizeBytes', '12', 'packs[0].sizeBytes'],
    ['packs.0.sha256', 'a'.repeat(63), 'packs[0].sha256'],
    ['counts.sizeBytes', 2 ** 53, 'counts.sizeBytes'],
    ['counts', [], 'counts'],
    ['chain.sequence', 0.5, 'chain.sequence'],
    ['chain.previous', 'x', 'chain.previous'],
    ['complete', 'true', 'complete'],
    ['problems.1.path', { b64: 'a b' }, 'problems[1].path'],
    ['problems.1.path', '\ud800', 'problems[1].path'],
    ['problems.0.code', 'Not A Code', 'problems[0].code'],
    ['ledger.0.atLeast', 1, 'ledger[0].atLeast'],
    ['git.refs.0.id', 'zz', 'git.refs[0].id'],
    ['git.shallow', ['x'], 'git.shallow[0]'],
    ['git.operations', ['rm -rf'], 'git.operations[0]'],
    ['machine.id', '../x', 'machine.id'],
    ['vault', null, 'vault'],
    ['format', 0, 'format'],
    ['format', '1', 'format'],
  ];
  test.each(refused)('%s = %j is refused, and named', (path, value, field) => {
    const actual = codeOf(() => decodeJson((document) => setAt(document, path, value)));
    expect(actual).toEqual({ code: 'record_invalid', field });
  });

  test('of a newer format says which one it needs', () => {
    expect(() => decodeJson((document) => setAt(document, 'format', 2))).toThrow(/needs .* format 2/);
    expect(codeOf(() => decodeJson((document) => setAt(document, 'format', 2))).code).toBe('store_newer');
  });

  test('cut at any byte is refused', () => {
    for (let size = 0; size < encoded.length - 1; size++) {
      expect(codeOf(() => decodeRecord(encoded.subarray(0, size), sampleId)).code).toBe('record_invalid');
    }
  });

  test('with any bit flipped is refused or differs only where no checksum of its own could tell', () => {
    for (let at = 0; at < encoded.length; at++) {
      const flipped = Buffer.from(encoded);
      flipped[at] = flipped[at]! ^ (1 << (at % 8));
      const { code } = codeOf(() => decodeRecord(flipped, sampleId));
      expect(['accepted', 'record_invalid', 'store_newer']).toContain(code);
    }
  });

  test('of the wrong kind altogether is refused', () => {
    const text = ['', '[]', 'null', '"x"', '\ufeff{}', '<!doctype html>', '{"format":1}', '['.repeat(200_000)];
    for (const body of text)
      expect(codeOf(() => decodeRecord(Buffer.from(body), sampleId)).code).toBe('record_invalid');
    expect(codeOf(() => decodeRecord(Buffer.of(0xff, 0xfe), sampleId)).code).toBe('record_invalid');
    expect(codeOf(() => decodeRecord(Buffer.alloc(recordSizeBytesMax + 1, 0x20), sampleId)).code).toBe(
      'record_invalid',
    );
  });

  test('cannot reach the prototype of what it is decoded into', () => {
    const text = withRightSum(
      encoded.toString('utf8').replace('"format": 1,', '"format": 1, "__proto__": { "admin": true },'),
    );
    const record = decodeRecord(Buffer.from(text), sampleId) as unknown as Record<string, unknown>;
    expect(record['admin']).toBeUndefined();
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
  });

  test('never quotes its own bytes in the message', () => {
    const evil = '\u001b[2J';
    const error = (() => {
      try {
        decodeJson((document) => setAt(document, 'label', evil));
      } catch (caught) {
        return caught as Error;
      }
      throw new Error('accepted');
    })();
    expect(error.message).not.toContain(evil);
  });

  test('is refused under another id', () => {
    const other = '2026-04-16T12:00:00Z-pre-quorum-rewrite-2' as SnapshotId;
    expect(codeOf(() => decodeRecord(encoded, other))).toEqual({ code: 'record_invalid', field: 'id' });
  });
});

test('a record too large for any reader is refused before it is published', () => {
  const refs = Array.from({ length: 200_000 }, (_, i) => ({
    name: `refs/heads/${'x'.repeat(40)}${i}`,
    id: sampleRecord().commit,
  }));
  const git = { ...sampleRecord().git!, refs };
  expect(codeOf(() => encodeRecord(sampleRecord({ git }))).code).toBe('record_invalid');
});
