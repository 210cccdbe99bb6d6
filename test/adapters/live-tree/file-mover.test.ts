import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyAcross } from '../../../src/adapters/live-tree/copy-across.ts';
import { openLiveTree } from '../../../src/adapters/live-tree/open-live-tree.ts';
import { objectIdOf } from '../../../src/format/git/object-id.ts';
import type { LiveMover, LiveTree, Place } from '../../../src/ports/live-tree.ts';

let folder: string;
let root: string;
let work: string;
let tree: LiveTree;
let mover: LiveMover;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-mover-'));
  root = join(folder, 'vault');
  work = join(root, '_restore/rollback-x');
  mkdirSync(work, { recursive: true });
  tree = openLiveTree({ root });
  mover = tree.openMover(work);
});

afterEach(() => {
  mover[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const live = (path: string): Place => ({ in: 'vault', path });
const kept = (path: string): Place => ({ in: 'work', path });

describe('a mover', () => {
  test('moves into the work folder and makes the way there', () => {
    mkdirSync(join(root, 'a/b'), { recursive: true });
    writeFileSync(join(root, 'a/b/file'), 'bytes');
    expect(mover.move(live('a/b/file'), kept('set-aside/a/b/file'))).toBe(true);
    expect(readFileSync(join(work, 'set-aside/a/b/file'), 'utf8')).toBe('bytes');
    expect(mover.look(live('a/b/file'))).toBeNull();
  });

  test('never moves over anything, in either direction', () => {
    writeFileSync(join(root, 'file'), 'live');
    writeFileSync(join(work, 'file'), 'kept');
    symlinkSync('nowhere', join(root, 'dangling'));
    expect(mover.move(live('file'), kept('file'))).toBe(false);
    expect(mover.move(kept('file'), live('file'))).toBe(false);
    expect(mover.move(kept('file'), live('dangling'))).toBe(false);
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('live');
    expect(readFileSync(join(work, 'file'), 'utf8')).toBe('kept');
    expect(readlinkSync(join(root, 'dangling'))).toBe('nowhere');
  });

  test('keeps the staged name of a file that is put in place, when asked to', () => {
    writeFileSync(join(work, 'file'), 'bytes');
    expect(mover.move(kept('file'), live('file'), { keepName: true })).toBe(true);
    expect(statSync(join(work, 'file')).ino).toBe(statSync(join(root, 'file')).ino);
    mover.dropTwin(live('file'), kept('file'));
    expect(existsSync(join(root, 'file'))).toBe(false);
  });

  test('removes a file only where the very same one has another name', () => {
    writeFileSync(join(root, 'file'), 'bytes');
    writeFileSync(join(work, 'file'), 'bytes');
    expect(() => mover.dropTwin(live('file'), kept('file'))).toThrow('not known to be kept elsewhere');
    expect(() => mover.dropTwin(live('file'), kept('missing'))).toThrow(/not known|ENOENT/);
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('bytes');
  });

  test('moves a link as a link, and neither follows nor changes what it leads to', () => {
    writeFileSync(join(folder, 'outside'), 'not ours');
    const before = lstatSync(join(folder, 'outside'));
    symlinkSync(join(folder, 'outside'), join(root, 'link'));
    mover.set(live('link'), { permissions: 0o777, mtimeMs: 1_600_000_000_000 });
    expect(mover.blobId(live('link'))).toBe(objectIdOf('blob', Buffer.from(join(folder, 'outside'))));
    expect(mover.move(live('link'), kept('link'))).toBe(true);
    expect(mover.move(kept('link'), live('link'))).toBe(true);
    const after = lstatSync(join(folder, 'outside'));
    expect([after.mode, after.mtimeMs, after.nlink]).toEqual([before.mode, before.mtimeMs, before.nlink]);
  });

  test.each(['link/file', 'link/deeper/file', 'file/below'])(
    'reaches nothing through what is no folder: %s',
    (path) => {
      mkdirSync(join(folder, 'outside/deeper'), { recursive: true });
      for (const name of ['file', 'deeper/file']) writeFileSync(join(folder, 'outside', name), 'not ours');
      symlinkSync(join(folder, 'outside'), join(root, 'link'));
      writeFileSync(join(root, 'file'), 'a file');
      writeFileSync(join(work, 'staged'), 'ours');
      expect(mover.look(live(path))).toBeNull();
      expect(() => tree.look(path)).toThrow('does not lead through folders of the vault');
      expect(() => mover.move(kept('staged'), live(path))).toThrow('does not lead through folders');
      expect(() => mover.makeFolder(live(`${path}x`))).toThrow('does not lead through folders');
      expect(() => mover.set(live(path), { permissions: 0, mtimeMs: 0 })).toThrow('does not lead through folders');
      expect(mover.removeFolder(live(path))).toBe(false);
      expect(readdirSync(join(folder, 'outside')).toSorted()).toEqual(['deeper', 'file']);
      expect(readFileSync(join(folder, 'outside/file'), 'utf8')).toBe('not ours');
    },
  );

  test('removes empty folders only', () => {
    mkdirSync(join(root, 'full/inner'), { recursive: true });
    expect(mover.removeFolder(live('full'))).toBe(false);
    expect(mover.removeFolder(live('full/inner'))).toBe(true);
    expect(mover.removeFolder(live('full'))).toBe(true);
    expect(mover.removeFolder(live('full'))).toBe(false);
    writeFileSync(join(root, 'file'), '');
    expect(mover.removeFolder(live('file'))).toBe(false);
  });

  test('sets times before 1970 and with microseconds', () => {
    writeFileSync(join(root, 'file'), '');
    for (const mtimeMs of [-86_400_000, 0, 1_600_000_000_123.457]) {
      mover.set(live('file'), { permissions: null, mtimeMs });
      expect(lstatSync(join(root, 'file')).mtimeMs).toBeCloseTo(mtimeMs, 2);
    }
  });

  test('looks at a folder removed and made again as it is now', () => {
    mkdirSync(join(root, 'folder'));
    writeFileSync(join(root, 'folder/old'), '');
    expect(mover.look(live('folder/old'))).not.toBeNull();
    expect(mover.move(live('folder/old'), kept('old'))).toBe(true);
    expect(mover.removeFolder(live('folder'))).toBe(true);
    expect(mover.makeFolder(live('folder'))).toBe(true);
    expect(mover.move(kept('old'), live('folder/new'))).toBe(true);
    expect(existsSync(join(root, 'folder/new'))).toBe(true);
  });

  test('works far beyond the length of one path', () => {
    const name = 'n'.repeat(200);
    const deep = Array.from({ length: 30 }, () => name);
    for (let depth = 1; depth <= deep.length; depth++)
      expect(mover.makeFolder(live(deep.slice(0, depth).join('/')))).toBe(true);
    writeFileSync(join(work, 'staged'), 'deep');
    expect(mover.move(kept('staged'), live(`${deep.join('/')}/file`))).toBe(true);
    expect(mover.look(live(`${deep.join('/')}/file`))).toMatchObject({ kind: 'file', sizeBytes: 4 });
    expect(mover.move(live(`${deep.join('/')}/file`), kept(`set-aside/${deep.join('/')}/file`))).toBe(true);
  });
});

const elsewhere = '/dev/shm';
const isOther = existsSync(elsewhere) && statSync(elsewhere).dev !== statSync(tmpdir()).dev;

describe.skipIf(!isOther)('a move to another file system', () => {
  let other: string;
  beforeEach(() => {
    other = mkdtempSync(join(elsewhere, 'holdfast-mover-'));
  });
  afterEach(() => rmSync(other, { recursive: true, force: true }));

  test('copies bytes, permissions and time, and then lets go of the source', () => {
    writeFileSync(join(root, 'file'), 'bytes', { mode: 0o640 });
    const before = lstatSync(join(root, 'file'));
    expect(copyAcross(join(root, 'file'), join(other, 'file'))).toBe(true);
    const after = lstatSync(join(other, 'file'));
    expect(readFileSync(join(other, 'file'), 'utf8')).toBe('bytes');
    expect([after.mode, after.size]).toEqual([before.mode, before.size]);
    expect(after.mtimeMs).toBeCloseTo(before.mtimeMs, 2);
    expect(existsSync(join(root, 'file'))).toBe(false);
    expect(readdirSync(other)).toEqual(['file']);
  });

  test('never over anything, and through a mover', () => {
    const across = tree.openMover(other);
    writeFileSync(join(root, 'file'), 'live');
    writeFileSync(join(other, 'file'), 'kept');
    expect(copyAcross(join(root, 'file'), join(other, 'file'))).toBe(false);
    expect(across.move(live('file'), kept('aside/file'))).toBe(true);
    expect(across.move(kept('aside/file'), live('file'))).toBe(true);
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('live');
    expect(existsSync(join(other, 'aside/file'))).toBe(false);
    symlinkSync('target', join(root, 'link'));
    linkSync(join(root, 'file'), join(root, 'second'));
    expect(across.move(live('link'), kept('link'))).toBe(true);
    expect(readlinkSync(join(other, 'link'))).toBe('target');
    across[Symbol.dispose]();
  });
});
