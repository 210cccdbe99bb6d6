import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openHoldingArea } from '../../src/adapters/holding/open-holding-area.ts';
import { restoreName, restoreSnapshot } from '../../src/engine/restore.ts';
import type { HoldfastEvent } from '../../src/model/events.ts';
import { addSnapshot, type SampleEntry } from '../support/sample-snapshot.ts';
import { createMemoryReader, type MemoryReader } from '../support/memory-reader.ts';
import { restoreDeps } from '../support/restore-deps.ts';
import { scratchFolder } from '../support/scratch.ts';

function openVault(options: Parameters<typeof restoreDeps>[1] = {}) {
  const vaultRoot = scratchFolder();
  const reader = createMemoryReader();
  const holding = openHoldingArea({ vaultRoot, holdingDir: '_restore' });
  return { vaultRoot, reader, ...restoreDeps(holding, options) };
}

function add(reader: MemoryReader, entries: Record<string, SampleEntry>) {
  return addSnapshot(reader, entries);
}

test('restores files, folders, links, modes and times, and names what it did in the index', async () => {
  const { vaultRoot, reader, deps, rows } = openVault();
  const point = add(reader, {
    'a.md': { content: 'hello\n', mode: 0o640, mtimeMs: 1_600_000_000_500 },
    'empty.txt': '',
    bin: { entries: { run: { content: '#!/bin/sh\n', mode: 0o755 } }, mode: 0o750, mtimeMs: 1_500_000_000_250 },
    link: { link: '../outside', mtimeMs: 1_400_000_000_000 },
    hollow: { entries: { deeper: { entries: {}, mode: 0o711 } } },
    'old.txt': { content: 'before the epoch', mtimeMs: -86_400_000 },
  });
  const outcome = await restoreSnapshot(deps, { point, reader, paths: null });
  const root = join(vaultRoot, '_restore', 'all-2026-11-20T12-01-40Z');
  expect(outcome).toMatchObject({ directory: root, files: 5, folders: 3, problems: [], complete: true, damaged: 0 });
  expect(readdirSync(root).sort()).toEqual(['a.md', 'bin', 'empty.txt', 'hollow', 'link', 'old.txt']);
  expect(readFileSync(join(root, 'a.md'), 'utf8')).toBe('hello\n');
  expect(lstatSync(join(root, 'a.md'))).toMatchObject({ mode: 0o100640, mtimeMs: 1_600_000_000_500 });
  expect(lstatSync(join(root, 'bin/run')).mode).toBe(0o100755);
  expect(lstatSync(join(root, 'bin'))).toMatchObject({ mode: 0o40750, mtimeMs: 1_500_000_000_250 });
  expect(lstatSync(join(root, 'hollow/deeper')).mode).toBe(0o40711);
  expect(readlinkSync(join(root, 'link'))).toBe('../outside');
  expect(lstatSync(join(root, 'link')).mtimeMs).toBe(1_400_000_000_000);
  expect(lstatSync(join(root, 'old.txt')).mtimeMs).toBe(-86_400_000);
  expect(lstatSync(root).mode).toBe(0o40700);
  expect(readFileSync(join(vaultRoot, '_restore/.gitignore'), 'utf8')).toBe('*\n');
  expect(rows).toEqual([
    {
      event: 'restore',
      id: point.record.id,
      path: '',
      into: 'all-2026-11-20T12-01-40Z',
      files: 5,
      sizeBytes: 32,
      complete: true,
      durationMs: 0,
    },
  ]);
});

test('restores one file into folders that lead to it, and one folder', async () => {
  const { vaultRoot, reader, deps } = openVault();
  const notes = { entries: { 'plan.md': 'plan', 'other.md': 'other', sub: { entries: { x: 'x' } } }, mode: 0o755 };
  const point = add(reader, { notes, top: 'top' });
  const one = await restoreSnapshot(deps, { point, reader, paths: ['notes/plan.md'] });
  expect(one.directory).toBe(join(vaultRoot, '_restore/notes-plan.md-2026-11-20T12-01-40Z'));
  expect(readdirSync(one.directory!, { recursive: true, encoding: 'utf8' }).sort()).toEqual(['notes', 'notes/plan.md']);
  const two = await restoreSnapshot(deps, { point, reader, paths: ['notes/sub', 'notes/sub/x', 'notes/sub'] });
  expect(readdirSync(two.directory!, { recursive: true, encoding: 'utf8' }).sort()).toEqual([
    'notes',
    'notes/sub',
    'notes/sub/x',
  ]);
});

test('reads only what leads to one file', async () => {
  const { reader, deps } = openVault();
  const folder = (n: number): SampleEntry => ({
    entries: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, `${n} ${i}`])),
  });
  const point = add(reader, Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`d${n}`, folder(n)])));
  await restoreSnapshot(deps, { point, reader, paths: ['d7/f9'] });
  expect(reader.calls.reads + reader.calls.ranges).toBeLessThanOrEqual(10);
});

test('never uses a name twice', async () => {
  const { vaultRoot, reader, deps } = openVault();
  const point = add(reader, { 'a.md': 'one' });
  mkdirSync(join(vaultRoot, '_restore'));
  writeFileSync(join(vaultRoot, '_restore/a.md-2026-11-20T12-01-40Z'), 'the user put this here');
  const first = await restoreSnapshot(deps, { point, reader, paths: ['a.md'] });
  const second = await restoreSnapshot(deps, { point, reader, paths: ['a.md'] });
  expect(first.directory).toMatch(/Z-2$/);
  expect(second.directory).toMatch(/Z-3$/);
  expect(readFileSync(join(vaultRoot, '_restore/a.md-2026-11-20T12-01-40Z'), 'utf8')).toBe('the user put this here');
});

test('joins large files from their chunks', async () => {
  const { reader, deps } = openVault();
  const content = Buffer.from(Array.from({ length: 5000 }, (_, i) => `${i} line of a large file\n`).join(''));
  const point = add(reader, {
    'big.mp4': { content, chunks: 7, mode: 0o755 },
    'zero.bin': { content: Buffer.alloc(700), chunks: 7 },
  });
  const { directory, sizeBytes, files } = await restoreSnapshot(deps, { point, reader, paths: null });
  expect(readFileSync(join(directory!, 'big.mp4')).equals(content)).toBe(true);
  expect(lstatSync(join(directory!, 'big.mp4')).mode).toBe(0o100755);
  expect(readFileSync(join(directory!, 'zero.bin')).equals(Buffer.alloc(700))).toBe(true);
  expect({ sizeBytes, files }).toEqual({ sizeBytes: content.length + 700, files: 2 });
});

test('writes one object to every path that has it', async () => {
  const { reader, deps } = openVault();
  const point = add(reader, Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`copy${i}`, 'the same'])));
  const { directory, files } = await restoreSnapshot(deps, { point, reader, paths: null });
  expect(files).toBe(30);
  for (let i = 0; i < 30; i++) expect(readFileSync(join(directory!, `copy${i}`), 'utf8')).toBe('the same');
});

test('restores thousands of files through workers, across packs and folders', async () => {
  const { reader, deps, events } = openVault();
  const folders: Record<string, SampleEntry> = {};
  for (let d = 0; d < 60; d++) {
    if (d % 20 === 19) reader.newPack();
    folders[`d${d}`] = {
      entries: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, `${d}/${i} ${'x'.repeat(d)}`])),
    };
  }
  const point = add(reader, folders);
  const { directory, files, complete } = await restoreSnapshot(deps, { point, reader, paths: null });
  expect({ files, complete }).toEqual({ files: 1800, complete: true });
  for (let d = 0; d < 60; d++) {
    for (let i = 0; i < 30; i++) {
      expect(readFileSync(join(directory!, `d${d}/f${i}`), 'utf8')).toBe(`${d}/${i} ${'x'.repeat(d)}`);
    }
  }
  expect(events.filter((event) => event.type === 'progress').at(-1)).toMatchObject({ done: 1800, total: 1800 });
});

test('reads entries that cannot be decoded alone, one by one', async () => {
  const { reader, deps } = openVault();
  const point = add(reader, { a: 'first', b: 'second' });
  reader.markAlone(reader.add('blob', 'second'));
  const { directory, complete } = await restoreSnapshot(deps, { point, reader, paths: null });
  expect(complete).toBe(true);
  expect(readFileSync(join(directory!, 'b'), 'utf8')).toBe('second');
});

test('proves everything without writing', async () => {
  const { vaultRoot, reader, deps, rows } = openVault();
  const point = add(reader, {
    a: 'first',
    d: { entries: { b: 'second', l: { link: 'x' } } },
    big: { content: 'abcdef', chunks: 3 },
  });
  const whole = await restoreSnapshot(deps, { point, reader, paths: null, validateOnly: true });
  expect(whole).toMatchObject({ directory: null, files: 4, sizeBytes: 17, complete: true, problems: [] });
  reader.damage(reader.add('blob', 'second'));
  reader.drop(reader.add('blob', 'cd'));
  const broken = await restoreSnapshot(deps, { point, reader, paths: null, validateOnly: true });
  expect(broken).toMatchObject({ directory: null, files: 2, complete: false, damaged: 2 });
  expect(broken.problems.map(({ path, code }) => `${path} ${code}`).sort()).toEqual(['big damaged', 'd/b damaged']);
  expect(readdirSync(vaultRoot)).toEqual([]);
  expect(rows).toEqual([]);
});

test('restores what is whole when something is damaged, and says incomplete', async () => {
  const { vaultRoot, reader, deps, rows } = openVault();
  const point = add(reader, { a: 'first', b: 'second', c: 'third', d: { entries: { e: 'fourth' } } });
  reader.damage(reader.add('blob', 'second'));
  reader.drop(reader.add('blob', 'third'));
  const outcome = await restoreSnapshot(deps, { point, reader, paths: null });
  expect(outcome).toMatchObject({ complete: false, damaged: 2, files: 2 });
  expect(outcome.directory).toBe(join(vaultRoot, '_restore/all-2026-11-20T12-01-40Z.INCOMPLETE'));
  expect(readdirSync(outcome.directory!).sort()).toEqual(['a', 'd']);
  expect(rows).toMatchObject([{ complete: false, into: 'all-2026-11-20T12-01-40Z.INCOMPLETE' }]);
});

test('restores without metadata when that is damaged, and says so', async () => {
  const { reader, deps } = openVault();
  const point = add(reader, { a: { content: 'first', mode: 0o755 } });
  reader.drop(point.record.metadata);
  const outcome = await restoreSnapshot(deps, { point, reader, paths: null });
  expect(outcome).toMatchObject({ files: 1, complete: false, damaged: 1 });
  expect(lstatSync(join(outcome.directory!, 'a')).mode).toBe(0o100755);
});

test('refuses a path the snapshot does not have, naming near ones', async () => {
  const { vaultRoot, reader, deps } = openVault();
  const point = add(reader, { notes: { entries: { 'plan.md': 'plan', 'other.txt': 'x' } } });
  await expect(restoreSnapshot(deps, { point, reader, paths: ['notes/paln.md'] })).rejects.toMatchObject({
    code: 'path_unknown',
    data: { nearest: ['notes/plan.md'] },
  });
  await expect(restoreSnapshot(deps, { point, reader, paths: ['notes/plan.md/x'] })).rejects.toMatchObject({
    code: 'path_unknown',
  });
  expect(readdirSync(vaultRoot)).toEqual([]);
});

test.each([
  [{ ignoresFolder: false }, 'Add this line at the end of .gitignore:  /_restore/'],
  [{ tracked: ['_restore'] }, 'Run: git rm -r --cached _restore  and add this line to .gitignore:  /_restore/'],
])('refuses where git would take up what is restored: %j', async (options, hint) => {
  const { vaultRoot, reader, deps } = openVault(options);
  const point = add(reader, { a: 'x' });
  await expect(restoreSnapshot(deps, { point, reader, paths: null })).rejects.toMatchObject({
    code: 'holding_not_ignored',
    hint,
  });
  expect(readdirSync(join(vaultRoot, '_restore'))).toEqual(['.gitignore']);
});

test('refuses before writing when the disk is too small', async () => {
  const { vaultRoot, reader, deps } = openVault();
  const point = add(reader, { a: 'x'.repeat(10) });
  const small = { ...deps, holdingArea: { ...deps.holdingArea, freeBytes: async () => 1000 } };
  await expect(restoreSnapshot(small, { point, reader, paths: null })).rejects.toMatchObject({
    code: 'disk_full',
    data: { neededBytes: point.record.counts.sizeBytes, freeBytes: 1000 },
  });
  expect(readdirSync(join(vaultRoot, '_restore'))).toEqual(['.gitignore']);
});

test('stops before filling the disk when a snapshot lies about its size', async () => {
  const { reader, deps } = openVault();
  const content = Buffer.alloc(100_000);
  const point = add(reader, { a: content, b: content, c: content });
  const small = { ...deps, holdingArea: { ...deps.holdingArea, freeBytes: async () => 250_000 } };
  const run = restoreSnapshot(small, { point, reader, paths: ['a', 'b', 'c'] });
  await expect(run).rejects.toMatchObject({
    code: 'disk_full',
    data: { directory: expect.stringMatching(/INCOMPLETE$/) },
  });
});

test('leaves .INCOMPLETE behind when stopped', async () => {
  const { vaultRoot, reader, deps, rows } = openVault();
  const point = add(reader, { a: 'first', big: { content: 'abcdef', chunks: 3 } });
  const controller = new AbortController();
  const stopping = {
    ...deps,
    events: {
      emit(event: HoldfastEvent): void {
        if (event.type === 'progress' && event.phase === 'restore') controller.abort(new Error('stopped'));
      },
    },
  };
  const run = restoreSnapshot(stopping, { point, reader, paths: null, signal: controller.signal });
  await expect(run).rejects.toThrow('stopped');
  expect(readdirSync(join(vaultRoot, '_restore')).sort()).toEqual([
    '.gitignore',
    'all-2026-11-20T12-01-40Z.INCOMPLETE',
  ]);
  expect(readdirSync(join(vaultRoot, '_restore/all-2026-11-20T12-01-40Z.INCOMPLETE'))).toEqual(['a']);
  expect(rows).toEqual([]);
});

test('names restores in plain ASCII whatever was asked for', () => {
  const point = addSnapshot(createMemoryReader(), { a: 'x' });
  expect(restoreName(point, null)).toBe('all-2026-11-20T12-01-40Z');
  expect(restoreName(point, ['../x'])).toBe('x-2026-11-20T12-01-40Z');
  expect(restoreName(point, ['notes/caf\xc3\xa9 \n.md'])).toBe('notes-caf_.md-2026-11-20T12-01-40Z');
  expect(restoreName(point, ['\xe6\x97\xa5'])).toBe('_-2026-11-20T12-01-40Z');
  expect(restoreName(point, ['a', 'b', 'c'])).toBe('a-and-2-more-2026-11-20T12-01-40Z');
  expect(restoreName(point, ['x'.repeat(300)]).length).toBeLessThan(120);
});
