import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256Of } from '../../src/format/digest.ts';
import {
  decodeRollbackJournal,
  encodeRollbackJournal,
  type FileStep,
  type RollbackJournal,
} from '../../src/format/rollback-journal.ts';
import { objectIdOf, sampleId } from '../support/sample-record.ts';

const head = {
  target: sampleId,
  safety: sampleId,
  startedAt: '2026-04-16T12:00:00.123Z',
  folder: 'rollback-2026-04-16T12-00-00Z',
  paths: null,
  leftAlone: 2,
} as const;

const name = fc.stringMatching(/^[a-z0-9 \x80-\xff]{1,12}$/).filter((text) => text.trim() !== '');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const time = fc.double({ min: -8e12, max: 8e12, noNaN: true }).map((ms) => (Object.is(ms, -0) ? 0 : ms));
const permissions = fc.integer({ min: 0, max: 0o7777 });
const state = fc.option(fc.record({ permissions, mtimeMs: fc.option(time) }));
const kind = fc.constantFrom('file' as const, 'link' as const);
const common = { kind, id: fc.constant(objectIdOf('a')), chunked: fc.boolean(), permissions };
const file: fc.Arbitrary<FileStep> = fc.record({
  path,
  before: fc.option(
    fc.record({
      ...common,
      racy: fc.boolean(),
      sizeBytes: fc.nat(),
      mtimeMs: time,
      ctimeMs: time,
      inode: fc.maxSafeNat(),
    }),
  ),
  after: fc.option(
    fc.record({
      ...common,
      mtimeMs: fc.option(time),
      staged: fc.option(fc.record({ number: fc.nat(), inode: fc.maxSafeNat(), sizeBytes: fc.nat(), mtimeMs: time })),
    }),
  ),
});
const journal: fc.Arbitrary<RollbackJournal> = fc.record({
  target: fc.constant(head.target),
  safety: fc.constant(head.safety),
  startedAt: fc.constant(head.startedAt),
  folder: fc.constant(head.folder),
  paths: fc.option(fc.array(path, { maxLength: 3 })),
  leftAlone: fc.nat(),
  folders: fc.array(fc.record({ path, before: state, after: state }), { maxLength: 4 }),
  files: fc.array(file, { maxLength: 4 }),
});

describe('the journal of a rollback', () => {
  test('reads back as it was written, names that are no text included', () => {
    fc.assert(
      fc.property(journal, (written) => {
        expect(decodeRollbackJournal(encodeRollbackJournal(written))).toEqual(written);
      }),
    );
  });

  test('is refused when any byte is changed, or when it is cut anywhere', () => {
    const bytes = encodeRollbackJournal({
      ...head,
      folders: [{ path: 'a', before: null, after: { permissions: 0o755, mtimeMs: 1.5 } }],
      files: [{ path: 'a/b', before: null, after: null }],
    });
    for (let at = 0; at < bytes.length; at++) {
      const bad = Uint8Array.from(bytes);
      bad[at]! ^= 0x20;
      expect(() => decodeRollbackJournal(bad), `byte ${at}`).toThrow('cannot be used');
      expect(() => decodeRollbackJournal(bytes.subarray(0, at)), `cut at ${at}`).toThrow('cannot be used');
    }
  });

  test.each([
    ['another format', { format: 2 }],
    ['a folder outside the holding directory', { folder: '../elsewhere' }],
    ['more lines than there are', { files: 3 }],
    ['an id that is none', { target: 'latest' }],
  ])('is refused with a right sum and %s', (_, change) => {
    const document = { format: 1, ...head, folders: 0, files: 0, ...change };
    const body = Buffer.from(`${JSON.stringify(document)}\n`);
    const signed = Buffer.concat([body, Buffer.from(`{"sum":"${sha256Of(body)}"}\n`)]);
    expect(() => decodeRollbackJournal(signed)).toThrow('cannot be used');
  });

  test.each(['', '/etc/passwd', '../up', 'a/../b', 'a//b', '.git/config', 'sub/.GIT/hooks', 'nul\0'])(
    'is refused with the path %j',
    (bad) => {
      const step = { path: bad, before: null, after: null };
      expect(() => decodeRollbackJournal(encodeRollbackJournal({ ...head, folders: [step], files: [] }))).toThrow(
        'refused',
      );
      expect(() => decodeRollbackJournal(encodeRollbackJournal({ ...head, folders: [], files: [step] }))).toThrow(
        'refused',
      );
    },
  );
});
