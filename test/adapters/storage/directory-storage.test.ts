import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStorage } from '../../../src/adapters/storage/open-storage.ts';
import type { ObjectStorage, StorageBody } from '../../../src/ports/object-storage.ts';
import { bytesBody, sha256Of } from '../../contracts/object-storage.contract.ts';
import { listKeys } from '../../support/s3-rig.ts';
import { testClock, testRandom } from '../../support/test-clock.ts';

const small = Buffer.from('hello, folder\n');
const key = 'snapshots/2026-04-16T12:00:00Z-x/snapshot.json';
const onDisk = 'snapshots/2026-04-16T12-00-00Z-x/snapshot.json';

let scratch: string;
let root: string;
let storage: ObjectStorage;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-directory-'));
  root = join(scratch, 'data', 'store');
  storage = await open({ create: true });
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const open = (options: { create?: boolean; now?: Date } = {}): Promise<ObjectStorage> =>
  openStorage(root, { clock: testClock(options.now), random: testRandom, create: options.create ?? false });

function fileBody(bytes: Uint8Array, directory = scratch): StorageBody & { kind: 'file' } {
  const path = join(directory, randomBytes(4).toString('hex'));
  writeFileSync(path, bytes, { mode: 0o600 });
  return { kind: 'file', path, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
}

const everything = (): string[] =>
  (readdirSync(root, { recursive: true }) as string[]).sort((a, b) => (a < b ? -1 : 1));

describe('on disk', () => {
  it('objects are files under their keys, times with dashes', async () => {
    await storage.putIfAbsent(key, bytesBody(small));
    expect(readFileSync(join(root, onDisk))).toEqual(small);
    expect(everything()).toEqual(['snapshots', 'snapshots/2026-04-16T12-00-00Z-x', onDisk]);
    expect(await listKeys(storage)).toEqual([key]);
  });

  it.skipIf(process.platform === 'win32')('nobody else may read it', async () => {
    await storage.putIfAbsent(key, bytesBody(small));
    await storage.put(key, bytesBody(Buffer.from('new')));
    const modeOf = (path: string): number => statSync(join(root, path)).mode & 0o777;
    expect(modeOf('')).toBe(0o700);
    expect(modeOf('snapshots')).toBe(0o700);
    expect(modeOf(onDisk)).toBe(0o600);
    expect(modeOf('.versions')).toBe(0o700);
    expect(modeOf(`.versions/${onDisk}/1`)).toBe(0o600);
  });

  it('prior versions and delete markers lie under .versions', async () => {
    await storage.put('holdfast.json', bytesBody(small));
    await storage.put('holdfast.json', bytesBody(Buffer.from('two')));
    await storage.delete('holdfast.json');
    expect(readdirSync(join(root, '.versions/holdfast.json')).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      '1',
      '2',
      '3.deleted',
    ]);
    expect(readFileSync(join(root, '.versions/holdfast.json/1'))).toEqual(small);
  });

  it('a finished file of the same disk is linked, not copied', async () => {
    const body = fileBody(small);
    await storage.putIfAbsent(key, body);
    expect(lstatSync(join(root, onDisk)).ino).toBe(lstatSync(body.path).ino);
    rmSync(body.path);
    expect(Buffer.from(await storage.get(key))).toEqual(small);
  });

  // Another file system where the machine has one.
  it.skipIf(!isOtherDevice('/dev/shm'))('a finished file of another disk is copied, and checked', async () => {
    const elsewhere = mkdtempSync('/dev/shm/holdfast-');
    try {
      const bytes = randomBytes(3_000_000);
      const body = fileBody(bytes, elsewhere);
      expect(await storage.putIfAbsent(key, body)).toBe('created');
      expect(bytes.equals(await storage.get(key))).toBe(true);
      writeFileSync(body.path, randomBytes(3_000_000));
      await expect(storage.putIfAbsent('packs/x', body)).rejects.toMatchObject({ code: 'spool_damaged' });
      expect(await listKeys(storage)).toEqual([key]);
      expect(everything().filter((name) => name.includes('.tmp'))).toEqual([]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('a file that is gone or has another size is not stored', async () => {
    const body = fileBody(small);
    await expect(storage.putIfAbsent(key, { ...body, sizeBytes: 5 })).rejects.toMatchObject({ code: 'spool_damaged' });
    rmSync(body.path);
    await expect(storage.putIfAbsent(key, body)).rejects.toMatchObject({ code: 'spool_damaged' });
    expect(await listKeys(storage)).toEqual([]);
  });
});

describe('left over by a kill', () => {
  it('a temporary file is never listed, and goes when it is old', async () => {
    await storage.putIfAbsent(key, bytesBody(small));
    const leftover = join(root, 'snapshots', '.a1b2.0123456789abcdef.tmp');
    writeFileSync(leftover, 'half');
    expect(await listKeys(storage)).toEqual([key]);
    expect(await storage.abortStaleUploads({ olderThanMs: 60_000 })).toBe(0);
    const later = await open({ now: new Date(Date.now() + 120_000) });
    expect(await later.abortStaleUploads({ olderThanMs: 60_000 })).toBe(1);
    expect(existsSync(leftover)).toBe(false);
  });

  it('a version kept before the object was replaced is not shown twice', async () => {
    await storage.put(key, bytesBody(small));
    mkdirSync(join(root, '.versions', onDisk), { recursive: true });
    linkSync(join(root, onDisk), join(root, '.versions', onDisk, '1'));
    const versions: boolean[] = [];
    for await (const version of storage.versions('')) versions.push(version.isLatest);
    expect(versions).toEqual([true]);
    await storage.put(key, bytesBody(Buffer.from('two')));
    expect((await storage.head(key))?.sizeBytes).toBe(3);
  });
});

describe('what others put into the folder', () => {
  it('is passed over when it cannot be ours', async () => {
    await storage.putIfAbsent('packs/x', bytesBody(small));
    writeFileSync(join(root, '.DS_Store'), '');
    writeFileSync(join(root, 'a b'), '');
    writeFileSync(join(root, 'caf\u00e9'), '');
    writeFileSync(Buffer.from(`${root}/bad\xff`, 'latin1'), '');
    mkdirSync(join(root, '.git'));
    mkdirSync(join(root, 'empty'));
    expect(await listKeys(storage)).toEqual(['packs/x']);
  });

  it('is never followed when it is a link', async () => {
    const outside = join(scratch, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'x'), 'secret');
    await storage.putIfAbsent('packs/real', bytesBody(small));
    symlinkSync(join(outside, 'x'), join(root, 'packs', 'x'));
    symlinkSync(outside, join(root, 'logs'));
    expect(await listKeys(storage)).toEqual(['packs/real']);
    expect(await storage.head('packs/x')).toBeNull();
    await expect(storage.get('packs/x')).rejects.toMatchObject({ code: 'object_missing' });
    await expect(storage.get('logs/x')).rejects.toMatchObject({ code: 'directory_unusable' });
    await expect(storage.head('logs/x')).rejects.toMatchObject({ code: 'directory_unusable' });
    await expect(storage.put('logs/y', bytesBody(small))).rejects.toMatchObject({ code: 'directory_unusable' });
    await expect(storage.delete('logs/x')).rejects.toMatchObject({ code: 'directory_unusable' });
    await expect(storage.putIfAbsent('packs/x', bytesBody(small))).rejects.toMatchObject({ code: 'storage_conflict' });
    expect(readdirSync(outside)).toEqual(['x']);
    expect(readFileSync(join(outside, 'x'), 'utf8')).toBe('secret');
  });

  it('may be the folder itself: a link the person chose', async () => {
    const link = join(scratch, 'link');
    symlinkSync(root, link);
    const linked = await openStorage(link, { clock: testClock(), random: testRandom });
    await linked.putIfAbsent(key, bytesBody(small));
    expect(await listKeys(storage)).toEqual([key]);
    expect(await listKeys(linked)).toEqual([key]);
  });
});

describe('a folder that is not there', () => {
  it('is not made by itself: its disk may not be mounted', async () => {
    rmSync(join(scratch, 'data'), { recursive: true });
    const gone = await open();
    for (const work of [
      () => gone.putIfAbsent(key, bytesBody(small)),
      () => gone.put(key, bytesBody(small)),
      () => gone.get(key),
      () => gone.head(key),
      () => gone.delete(key),
      () => listKeys(gone),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'storage_unavailable', kind: 'storage' });
    }
    expect(existsSync(join(scratch, 'data'))).toBe(false);
  });

  it('is made when asked for', async () => {
    expect(statSync(root).isDirectory()).toBe(true);
    await expect(
      openStorage(join(root, 'x'), { clock: testClock(), random: testRandom, create: true }),
    ).resolves.toBeDefined();
  });

  it('cannot be made below a file', async () => {
    writeFileSync(join(scratch, 'file'), '');
    const url = join(scratch, 'file', 'store');
    await expect(openStorage(url, { clock: testClock(), random: testRandom, create: true })).rejects.toMatchObject({
      kind: 'local',
    });
  });
});

describe('itself', () => {
  it('is local, and creates exclusively where the disk can link', () => {
    expect(storage.isLocal).toBe(true);
    expect(storage.createIsExclusive).toBe(true);
    expect(everything()).toEqual([]);
  });

  it('keeps the time an object was written', async () => {
    await storage.putIfAbsent(key, bytesBody(small));
    const time = new Date('2026-01-02T03:04:05Z');
    utimesSync(join(root, onDisk), time, time);
    expect((await storage.head(key))?.modifiedAt).toEqual(time);
  });

  it('reports what is stored when the key of a deleted version is asked for', async () => {
    await storage.put(key, bytesBody(small));
    await storage.delete(key);
    await expect(storage.get(key)).rejects.toMatchObject({
      code: 'object_missing',
      message: expect.stringMatching(/was deleted at \d{4}-.*recoverable/),
    });
  });
});

function isOtherDevice(path: string): boolean {
  return existsSync(path) && statSync(path).dev !== statSync(tmpdir()).dev;
}
