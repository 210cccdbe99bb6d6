import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openStorage } from '../../src/adapters/storage/open-storage.ts';
import { systemRandom } from '../../src/adapters/system/system-clock.ts';
import { applyPrune } from '../../src/engine/prune/apply-prune.ts';
import { decodeStoreHeader } from '../../src/format/store-header.ts';
import { storeKeys } from '../../src/format/store-layout.ts';
import type { ByteString } from '../../src/lib/bytes.ts';
import type { ObjectStorage } from '../../src/ports/object-storage.ts';
import { type CliVault, openCliVault } from '../support/cli-vault.ts';
import { deterministicBytes } from '../support/deterministic-bytes.ts';
import { manifestOf } from '../support/folder-manifest.ts';
import { type Credentials, credentialsEnv } from '../support/run-holdfast-s3.ts';
import { createPeerBucket, s3PeerFromEnvironment } from '../support/s3-server/peer.ts';
import { startS3Server } from '../support/s3-server/start-s3-server.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestSealed } from '../support/sealed-storage.ts';
import { movableClock, openTestVault } from '../support/test-vault.ts';

const firstKey = '00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f';
const secondKey = 'ffeeddccbbaa99887766554433221100f0e0d0c0b0a090807060504030201000';
const dayMs = 86_400_000;
const purgedText = 'a password that must go: hunter2\n';

/** A bucket with versions on a server. */
interface Place {
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: Credentials;
  /** Requests that arrived, as "PutObject key"; absent where nobody counts. */
  readonly requests?: string[];
}

const peer = s3PeerFromEnvironment();

describe.each([
  ['plain', false],
  ['encrypted', true],
] as const)('the care of a store in S3, %s', (_name, isEncrypted) => {
  test('on our server', { timeout: 180_000 }, async () => {
    const server = await startS3Server();
    onTestFinished(() => server[Symbol.asyncDispose]());
    server.bucket.versioning = 'Enabled';
    const { endpoint, credentials, requests } = server;
    expect(await care({ endpoint, bucket: 'bucket', credentials, requests }, isEncrypted)).toBe(isEncrypted ? 6 : 5);
  });

  // .ci/s3-peer brings one.
  test.each(peer === null ? [] : [peer])('on another S3 server than ours', { timeout: 180_000 }, async (server) => {
    expect(await care({ ...server, bucket: await createPeerBucket(server) }, isEncrypted)).toBe(isEncrypted ? 6 : 5);
  });
});

type Files = Map<ByteString, string>;

/** A vault, its store, and what is in each of its snapshots. */
interface World {
  readonly cli: CliVault;
  readonly place: Place;
  readonly client: S3Client;
  readonly isEncrypted: boolean;
  /** Folder of the second replica. */
  readonly folder: string;
  /** Contents by snapshot id. */
  readonly held: Map<string, Files>;
  key: string;
}

/** Does it all; returns how many snapshots the store holds in the end. */
async function care(place: Place, isEncrypted: boolean): Promise<number> {
  const cli = openCliVault({
    'notes/plan.md': 'the plan\n',
    'notes/secret.md': purgedText,
    'run.sh': '#!/bin/sh\n',
    'scan.bin': deterministicBytes(300_000, 1),
    'empty/': null,
    link: { link: 'notes/plan.md' },
  });
  onTestFinished(() => cli[Symbol.dispose]());
  const client = new S3Client({ ...place, region: 'us-east-1', forcePathStyle: true });
  onTestFinished(() => client.destroy());
  const world: World = { cli, place, client, isEncrypted, folder: scratchFolder(), held: new Map(), key: firstKey };
  await begin(world);
  await mirrorAndVersions(world);
  await pinAndPrune(world);
  await replicate(world);
  await repairDeleted(world);
  await repairDamaged(world);
  await purge(world);
  await examine(world);
  await rollBack(world);
  if (isEncrypted) await changeKeys(world);
  await expectWhole(world, 'the end');
  return world.held.size;
}

function storeUrl({ place }: World, prefix = 'notes'): string {
  return `s3://${place.bucket}/${prefix}?endpoint=${place.endpoint}`;
}

function envOf({ place, key }: World): Record<string, string> {
  return { ...credentialsEnv(place.credentials), AWS_EC2_METADATA_DISABLED: 'true', HOLDFAST_KEY: key };
}

type Answer = Readonly<Record<string, unknown>>;

/** Runs a command to the end that is expected of it; its result. */
async function run(world: World, args: readonly string[], code = 0): Promise<Answer> {
  const done = await world.cli.json(args, { env: envOf(world) });
  if (done.code !== code) throw new Error(`${args.join(' ')} ended with ${done.code}: ${done.out}${done.err}`);
  return done.last;
}

/** All that a snapshot holds of a folder: bytes, links and modes, without our own log. */
function filesOf(root: string): Files {
  const isOurs = /^(?:state|_restore)\//;
  const found = [...manifestOf(root)].filter(([path]) => !isOurs.test(path));
  return new Map(found.map(([path, { kind, content, mode }]) => [path, `${kind} ${mode} ${content}`]));
}

async function snapshot(world: World, label?: string): Promise<string> {
  const taken = await run(world, ['snapshot', ...(label === undefined ? [] : [label])]);
  expect(taken).toMatchObject({ outcome: 'taken', where: 'store', complete: true, problems: [] });
  const id = String(taken['id']);
  world.held.set(id, filesOf(world.cli.root));
  return id;
}

/** Restores every snapshot the store shows, and compares each with what was captured. */
async function expectWhole(world: World, when: string, flags: readonly string[] = []): Promise<void> {
  expect([when, await run(world, ['verify', '--full', ...flags])]).toMatchObject([
    when,
    { passed: true, findings: [], snapshots: world.held.size },
  ]);
  for (const [id, files] of world.held) {
    const restored = await run(world, ['restore', '--all', id, '--no-diff', ...flags]);
    expect([when, id, restored]).toMatchObject([when, id, { complete: true, problems: [] }]);
    const directory = String(restored['directory']);
    expect([when, id, filesOf(directory)]).toEqual([when, id, files]);
    rmSync(directory, { recursive: true });
  }
}

async function begin(world: World): Promise<void> {
  const flags = world.isEncrypted ? ['--encrypt'] : [];
  await run(world, ['init', '--yes', '--store', storeUrl(world), ...flags]);
  const settings = join(world.cli.root, 'holdfast.json');
  writeFileSync(settings, readFileSync(settings, 'utf8').replace('{', '{\n  "live": true,'));
}

async function mirrorAndVersions(world: World): Promise<void> {
  const { cli } = world;
  await snapshot(world, 'first');
  // Storages tell times in whole seconds: the mirror's next state must have another one.
  const second = Math.floor(Date.now() / 1000);
  while (Math.floor(Date.now() / 1000) === second) await run(world, ['status']);
  cli.write({ 'notes/plan.md': 'another plan\n', 'notes/new.md': 'new\n' });
  rmSync(join(cli.root, 'run.sh'));
  await snapshot(world);
  await expectVersions(world, 'first', { 'notes/plan.md': 'the plan\n', 'run.sh': '#!/bin/sh\n' });
  await expectVersions(world, 'latest', { 'notes/plan.md': 'another plan\n', 'notes/new.md': 'new\n' });
}

/** What the live mirror had then is these files, `scan.bin` and the settings. */
async function expectVersions(world: World, when: string, expected: Readonly<Record<string, string>>): Promise<void> {
  const restored = await run(world, ['restore', '.', when, '--from-versions']);
  const directory = String(restored['directory']);
  for (const [path, content] of Object.entries(expected)) {
    expect([when, path, readFileSync(join(directory, path), 'utf8')]).toEqual([when, path, content]);
  }
  expect(readFileSync(join(directory, 'scan.bin')).equals(deterministicBytes(300_000, 1))).toBe(true);
  const settings = readdirSync(directory).filter((name) => /^(?:holdfast\.json|\.\w+)$/.test(name)).length;
  const secret = existsSync(join(directory, 'notes/secret.md')) ? 1 : 0;
  expect(restored).toMatchObject({ files: Object.keys(expected).length + 1 + settings + secret, problems: [] });
  rmSync(directory, { recursive: true });
}

async function pinAndPrune(world: World): Promise<void> {
  const { cli, held } = world;
  const pinned = [...held.keys()].at(-1)!;
  await run(world, ['pin', pinned, '--reason', 'for the auditors']);
  const goers: string[] = [];
  for (const text of ['one', 'two']) {
    cli.write({ 'notes/plan.md': `${text}\n`, [`big-${text}.bin`]: deterministicBytes(200_000, text.length) });
    goers.push(await snapshot(world));
    rmSync(join(cli.root, `big-${text}.bin`));
  }
  cli.write({ 'notes/plan.md': 'three\n' });
  await snapshot(world);
  const before = await packsOf(world);
  const rules = ['--keep-within', '0h', '--keep-hourly', '0', '--keep-daily', '0', '--keep-weekly', '0'];
  const words = ['prune', ...rules, '--keep-monthly', '0', '--keep-none'];
  expect(await run(world, words)).toMatchObject({ applied: false, dropped: 2 });
  expect(await run(world, [...words, '--apply'])).toMatchObject({ applied: true, dropped: 2, kept: 3, blocked: [] });
  for (const id of goers) held.delete(id);
  // Condemned packs are still there; a day later they go.
  const { present } = await packsOf(world);
  expect(before.present.every((key) => present.includes(key))).toBe(true);
  expect(await pruneDaysLater(world)).toBeGreaterThan(0);
  const after = await packsOf(world);
  expect(present.filter((key) => !after.present.includes(key)).length).toBeGreaterThan(0);
  await expectWhole(world, 'after the condemned packs went');
}

/** Prunes as another machine, in front of which all plans are two days old; how many bytes were deleted. */
async function pruneDaysLater(world: World): Promise<number> {
  const clock = movableClock(new Date().toISOString());
  const { credentials } = world.place;
  await using raw = await openStorage(storeUrl(world), { clock, random: systemRandom, credentials });
  const { vaultId } = decodeStoreHeader(await raw.get(storeKeys.header));
  const bytes = Buffer.from(world.key, 'hex');
  const sealed = openTestSealed(raw, { readSecret: async () => ({ kind: 'raw', bytes }) });
  await sealed.encryption.unlock();
  const other = openTestVault({
    ...sealed,
    storage: withOldPlans(sealed.storage),
    rawStorage: raw,
    root: join(scratchFolder(), 'other'),
    clock,
    machine: 'laptop',
    vaultId,
    random: systemRandom,
  });
  const retention = { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, labelled: true };
  const outcome = await applyPrune(other.deps, { retention, keepNone: true, alone: true });
  expect(outcome).toMatchObject({ dropped: [], blocked: [] });
  return outcome.deletedBytes;
}

/** No clock of a real server can be moved; what it says of plans can. */
function withOldPlans(storage: ObjectStorage): ObjectStorage {
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'list') {
        return async function* (...args: Parameters<ObjectStorage['list']>) {
          for await (const object of target.list(...args)) {
            const isPlan = object.key.startsWith('condemned/') && object.modifiedAt !== null;
            yield isPlan ? { ...object, modifiedAt: new Date(object.modifiedAt.getTime() - 2 * dayMs) } : object;
          }
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function replicate(world: World): Promise<void> {
  const { place, folder, held, isEncrypted } = world;
  const [inBucket, onDisk] = [storeUrl(world, 'copy/of-notes'), `file://${folder}`];
  for (const url of [inBucket, onDisk]) {
    await run(world, ['replicate', 'configure', url]);
    place.requests?.splice(0);
    expect(await run(world, ['replicate', 'sync', url])).toMatchObject({
      snapshots: held.size,
      complete: true,
      damaged: [],
    });
    // The server copies packs itself; but not sealed ones, of which no record says what their bytes should be.
    const isCarried = place.requests?.some((request) => /^GetObject notes\/.*\.pack$/.test(request));
    if (isCarried !== undefined) expect([url, isCarried]).toEqual([url, isEncrypted || url === onDisk]);
    expect(await run(world, ['replicate', 'sync', url])).toMatchObject({ objects: 0, complete: true });
    expect(await run(world, ['replicate', 'status', url])).toMatchObject({ present: held.size, behind: 0 });
    await expectWhole(world, url, ['--store', url]);
  }
}

/** Somebody with the keys deletes a pack, its index and all records: delete markers, for the bucket keeps versions. */
async function repairDeleted(world: World): Promise<void> {
  const { client, place, held } = world;
  const { present } = await keysOf(world, 'notes/');
  const goers = present.filter((key) => /^notes\/(?:packs|snapshots)\//.test(key));
  expect(goers.length).toBeGreaterThan(held.size);
  for (const key of goers) await client.send(new DeleteObjectCommand({ Bucket: place.bucket, Key: key }));
  await run(world, ['verify'], 7);
  const planned = await run(world, ['repair', '--undelete', '--dry-run']);
  expect((await keysOf(world, 'notes/')).present.length).toBe(present.length - goers.length);
  const done = await run(world, ['repair', '--undelete']);
  expect(done).toMatchObject({ beyond: [], repaired: planned['repaired'] });
  // Pruned ones stay away.
  await expectWhole(world, 'after repair --undelete');
}

async function repairDamaged(world: World): Promise<void> {
  const { client, place, folder } = world;
  const key = (await packsOf(world)).present.find((one) => one.endsWith('.pack'))!;
  const sound = await bytesOfObject(world, key);
  for (const source of [storeUrl(world, 'copy/of-notes'), `file://${folder}`]) {
    const damaged = Buffer.from(sound);
    damaged[Math.floor(damaged.length / 2)]! ^= 1;
    await client.send(new PutObjectCommand({ Bucket: place.bucket, Key: key, Body: damaged }));
    await run(world, ['verify', '--full'], 7);
    expect(await run(world, ['repair', '--full', '--from', source])).toMatchObject({
      repaired: [key.slice('notes/'.length)],
      beyond: [],
    });
    expect((await bytesOfObject(world, key)).equals(sound)).toBe(true);
  }
  expect(await run(world, ['verify', '--full'])).toMatchObject({ passed: true, findings: [] });
}

async function purge(world: World): Promise<void> {
  const { cli, held } = world;
  const path = 'notes/secret.md';
  rmSync(join(cli.root, path));
  await snapshot(world, 'without the secret');
  const ids = [...held];
  await run(world, ['purge', path], 1);
  await run(world, ['purge', path, '--confirm', path, '--now', '--versions']);
  held.clear();
  for (const [id, files] of ids) {
    const has = files.delete(path);
    held.set(has ? `${id}-purged` : id, files);
  }
  await expectWhole(world, 'after purge');
  if (world.isEncrypted) return;
  // The versions of the live mirror are not among what purge reaches; those of packs are.
  const { versions } = await packsOf(world);
  for (const { key, id } of versions) {
    expect((await bytesOfObject(world, key, id)).includes('hunter2')).toBe(false);
  }
}

async function examine(world: World): Promise<void> {
  const doctor = await world.cli.json(['doctor'], { env: envOf(world) });
  const findings = doctor.last['findings'] as { level: string; code: string; text: string }[];
  expect(findings.filter(({ level }) => level === 'problem')).toEqual([]);
  expect([0, 3]).toContain(doctor.code);
  expect((await keysOf(world, 'notes/')).present.filter((key) => key.includes('probe'))).toEqual([]);
  expect(await run(world, ['drill'])).toMatchObject({ passed: true, method: 'holdfast' });
  expect(await run(world, ['drill', 'first', '--without-holdfast'])).toMatchObject({ passed: true, method: 'git' });
}

async function rollBack(world: World): Promise<void> {
  const { cli, held } = world;
  const label = 'first';
  cli.write({ 'notes/plan.md': 'regretted\n', 'notes/only-now.md': 'only now\n' });
  const now = filesOf(cli.root);
  await run(world, ['rollback', label], 1);
  await run(world, ['rollback', label, '--apply', '--confirm-label=First'], 1);
  expect(filesOf(cli.root)).toEqual(now);
  const done = await run(world, ['rollback', label, '--apply', `--confirm-label=${label}`]);
  expect(done).toMatchObject({ outcome: 'done' });
  // The settings of now stay: they say where the store is.
  const [first] = [...held.values()];
  expect(filesOf(cli.root)).toEqual(new Map([...first!, ['holdfast.json', now.get('holdfast.json')]]));
  // The safety snapshot is in the bucket.
  const list = (await cli.json(['list'], { env: envOf(world) })).lines.filter(({ type }) => type === 'snapshot');
  const safety = list.find(({ id }) => !held.has(String(id)))!;
  expect(safety).toMatchObject({ where: 'store' });
  held.set(String(safety['id']), now);
}

async function changeKeys(world: World): Promise<void> {
  const { cli } = world;
  const env = { ...envOf(world), HOLDFAST_NEW_KEY: secondKey };
  const rotated = await cli.json(['key', 'rotate'], { env });
  expect([rotated.code, rotated.last]).toMatchObject([0, { earlier_keys_left: 0 }]);
  await run(world, ['list'], 8);
  world.key = secondKey;
  expect(await run(world, ['key', 'rotate', '--master', '--drop-others'])).toMatchObject({ earlier_keys_left: 0 });
  cli.write({ 'notes/after.md': 'sealed with the new master key\n' });
  await snapshot(world, 'after the keys changed');
}

interface Keys {
  readonly present: string[];
  readonly versions: { readonly key: string; readonly id: string }[];
}

/** Packs and their indexes. */
async function packsOf(world: World): Promise<Keys> {
  const { present, versions } = await keysOf(world, 'notes/');
  const isPack = (key: string): boolean => /\/pack-[0-9a-f]{40}\.(?:pack|idx)$/.test(key);
  return { present: present.filter(isPack), versions: versions.filter(({ key }) => isPack(key)) };
}

/** The bucket as it is, asked without any code of ours. */
async function keysOf({ client, place }: World, prefix: string): Promise<Keys> {
  const keys: Keys = { present: [], versions: [] };
  const page = await client.send(new ListObjectVersionsCommand({ Bucket: place.bucket, Prefix: prefix }));
  expect(page.IsTruncated).not.toBe(true);
  for (const { Key, VersionId, IsLatest } of page.Versions ?? []) {
    keys.versions.push({ key: Key!, id: VersionId! });
    if (IsLatest === true) keys.present.push(Key!);
  }
  return keys;
}

async function bytesOfObject({ client, place }: World, key: string, versionId?: string): Promise<Buffer> {
  const answer = await client.send(
    new GetObjectCommand({
      Bucket: place.bucket,
      Key: key,
      ...(versionId === undefined ? {} : { VersionId: versionId }),
    }),
  );
  return Buffer.from(await answer.Body!.transformToByteArray());
}
