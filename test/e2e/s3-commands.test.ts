import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { credentialsEnv, type HoldfastPlace, type HoldfastRun, runHoldfast } from '../support/run-holdfast-s3.ts';
import { addVersion, removeVersion } from '../support/s3-server/bucket.ts';
import type { FaultAction } from '../support/s3-server/faults.ts';
import { selfSigned } from '../support/s3-server/self-signed.ts';
import { type S3Server, startS3Server } from '../support/s3-server/start-s3-server.ts';
import { scratchFolder } from '../support/scratch.ts';

let server: S3Server;
let place: HoldfastPlace;

beforeEach(async () => {
  server = await startS3Server();
  place = newPlace();
  return () => server[Symbol.asyncDispose]();
});

/** A machine with a vault of two notes, and nothing known of the store. */
function newPlace(changes: Partial<HoldfastPlace> = {}): HoldfastPlace {
  const folder = scratchFolder();
  const [vault, home] = [join(folder, 'vault'), join(folder, 'home')];
  mkdirSync(vault);
  mkdirSync(home);
  writeFileSync(join(vault, 'a.md'), 'one\n');
  writeFileSync(join(vault, 'b.md'), 'two\n');
  return { vault, home, store: server.storeUrl(), env: credentialsEnv(server.credentials), ...changes };
}

/** Another machine that joined the same store: it has to ask the store for everything. */
async function secondMachine(): Promise<HoldfastPlace> {
  const other = newPlace();
  expect((await runHoldfast(other, ['init', '--yes', '--adopt'])).code).toBe(0);
  return other;
}

function run(...args: string[]): Promise<HoldfastRun> {
  return runHoldfast(place, args);
}

async function runOk(...args: string[]): Promise<HoldfastRun> {
  const done = await run(...args);
  expect([done.code, done.err]).toEqual([0, expect.any(String)]);
  return done;
}

function write(path: string, text: string): void {
  writeFileSync(join(place.vault, path), text);
}

/** From now on, every such operation meets this. */
function always(operation: string, action: FaultAction): void {
  server.faults.add({ operation, times: Infinity, action });
}

const denied: FaultAction = { kind: 'answer', status: 403, code: 'AccessDenied' };

function keyEndingWith(ending: string): string {
  return [...server.bucket.objects.keys()].find((key) => key.endsWith(ending))!;
}

describe('requests', () => {
  test('an incremental snapshot is three PUTs, an unchanged one none, by the count of the server', async () => {
    await runOk('snapshot', 'first');
    server.requests.length = 0;
    write('a.md', 'one and a half\n');
    const { result } = await runOk('snapshot', 'second', '--json');
    expect(server.requests.map((one) => one.replace(/ .*\./, ' .'))).toEqual([
      'PutObject .pack',
      'PutObject .idx',
      'PutObject .json',
    ]);
    expect(result['requests']).toEqual({ put: 3, get: 0, head: 0, list: 0, delete: 0 });
    server.requests.length = 0;
    expect((await runOk('snapshot', '--json')).result['outcome']).toBe('unchanged');
    expect(server.requests).toEqual([]);
  });
});

describe('A01 to A03: credentials', () => {
  test('A01: none: 6, and where they were looked for; the capture waits', async () => {
    place = newPlace({ env: {} });
    const list = await run('list');
    expect([list.code, list.err]).toEqual([6, expect.stringContaining('AWS_ACCESS_KEY_ID')]);
    const taken = await run('snapshot', 'kept here', '--json');
    expect([taken.code, taken.result]).toMatchObject([
      6,
      { where: 'local', publish_error: { error: 'credentials_missing' } },
    ]);
    expect(server.requests).toEqual([]);
    place = { ...place, env: credentialsEnv(server.credentials) };
    expect((await runOk('snapshot', '--json')).result['publish_error']).toBe(null);
    expect((await runOk('list', '--json')).lines[0]).toMatchObject({ label: 'kept here', where: 'store' });
  });

  test('A02: a session that ends in the middle: 6, and the next run goes on', async () => {
    await runOk('snapshot', 'first');
    write('a.md', 'changed\n');
    const expired: FaultAction = { kind: 'answer', status: 400, code: 'ExpiredToken' };
    server.faults.add({ operation: 'PutObject', from: 2, times: Infinity, action: expired });
    const taken = await run('snapshot', 'second');
    expect([taken.code, taken.err]).toEqual([6, expect.stringContaining('the session has expired')]);
    expect(taken.err).toContain('local only');
    server.faults.clear();
    await runOk('snapshot');
    expect((await runOk('verify', '--full', '--json')).result).toMatchObject({ passed: true, snapshots: 2 });
  });

  test.each(['DeleteObject', 'GetBucketVersioning', 'ListObjectVersions'])(
    'A03: a key without %s does everything but prune and init',
    async (operation) => {
      await runOk('snapshot', 'first');
      always(operation, denied);
      write('a.md', 'changed\n');
      const commands = [['snapshot', 'second'], ['list'], ['status'], ['verify'], ['restore', 'a.md']];
      for (const args of commands) expect([args, (await run(...args)).code]).toEqual([args, 0]);
    },
  );

  test('A03: a key without the right to list takes snapshots; list and verify say what they need', async () => {
    always('ListObjectsV2', denied);
    await runOk('snapshot', 'first');
    write('a.md', 'changed\n');
    await runOk('snapshot', 'second');
    for (const args of [['list'], ['verify'], ['reindex']]) {
      const { code, err } = await run(...args);
      expect([args, code, err]).toEqual([args, 6, expect.stringContaining('s3:ListBucket')]);
    }
    await runOk('restore', 'a.md');
  });

  test('A03: a key without the right to read takes snapshots; whoever needs to read says so', async () => {
    await runOk('snapshot', 'first');
    const other = await secondMachine();
    always('GetObject', denied);
    write('a.md', 'changed\n');
    await runOk('snapshot', 'second');
    for (const args of [['restore', 'a.md'], ['cat', 'a.md'], ['ls'], ['diff'], ['verify'], ['export']]) {
      const { code, err } = await runHoldfast(other, args);
      expect([args, code, err]).toEqual([args, 6, expect.stringContaining('s3:GetObject')]);
    }
  });
});

describe('S02, G07: a store that cannot be reached, or not safely', () => {
  test('S02: nobody listens: 5 within 30 seconds, in one line', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    gone.close();
    const nowhere = newPlace({ store: `s3://bucket/notes?endpoint=http://127.0.0.1:${port}` });
    const startedMs = Date.now();
    const { code, err } = await runHoldfast(nowhere, ['list']);
    expect([code, err]).toEqual([5, expect.stringMatching(/connection refused \(ECONNREFUSED\)/)]);
    expect(Date.now() - startedMs).toBeLessThan(30_000);
  });

  test('S02: a certificate nobody vouches for: 5 at once, never http instead', async () => {
    await using tls = await startS3Server({ tls: selfSigned });
    const { code, err } = await runHoldfast(newPlace({ store: tls.storeUrl() }), ['snapshot', 'x']);
    expect([code, err]).toEqual([5, expect.stringContaining('certificate')]);
    expect(tls.requests).toEqual([]);
  });

  test('G07: plain http to another machine: 2 unless --insecure', async () => {
    const plain = newPlace({ store: 's3://bucket/notes?endpoint=http://store.example:9000' });
    for (const args of [['snapshot', 'x'], ['list'], ['verify']]) {
      const { code, err } = await runHoldfast(plain, args);
      expect([args, code, err]).toEqual([args, 2, expect.stringContaining('--insecure')]);
    }
  });
});

describe('S13 to S15, S19 to S23: what a provider may do', () => {
  test('S13: versioning suspended or never on: the snapshot is taken, status is yellow', async () => {
    for (const state of ['Suspended', null] as const) {
      server.bucket.versioning = state;
      write('a.md', `with ${state}\n`);
      await runOk('snapshot', `with ${state}`);
      const { result } = await runOk('status', '--json');
      expect(result).toMatchObject({ colour: 'yellow', store: { reachable: true } });
    }
  });

  test('S14: a provider that knows no versions', async () => {
    server.behaviour.versions = false;
    await runOk('init', '--yes');
    await runOk('snapshot', 'first');
    expect((await runOk('status', '--json')).result).toMatchObject({
      colour: 'yellow',
      store: { versioning: 'unsupported' },
    });
    await runOk('verify', '--full');
  });

  test.each(['ignored', 'refused'] as const)('S15: If-None-Match %s: nothing is lost', async (conditions) => {
    server.behaviour.conditions = conditions;
    await runOk('snapshot', 'same words');
    const other = await secondMachine();
    writeFileSync(join(other.vault, 'c.md'), 'three\n');
    expect((await runHoldfast(other, ['snapshot', 'same words'])).code).toBe(0);
    write('a.md', 'changed\n');
    await runOk('snapshot', 'same words');
    expect((await runOk('verify', '--full', '--json')).result).toMatchObject({ passed: true, snapshots: 3 });
  });

  test('S19: no such bucket, or another region: 2, and nothing is created', async () => {
    const missing = newPlace({ store: server.storeUrl().replace('bucket', 'buckett') });
    for (const args of [['snapshot', 'x'], ['list'], ['restore', 'a.md']]) {
      const { code, err } = await runHoldfast(missing, args);
      expect([args, code, err]).toEqual([args, 2, expect.stringContaining('there is no bucket buckett')]);
    }
    server.region = 'eu-central-1';
    const { code, err } = await run('snapshot', 'x');
    expect([code, err]).toEqual([2, expect.stringContaining('region=eu-central-1')]);
    expect(server.requests.filter((request) => /^(?:CreateBucket|PUT)/.test(request))).toEqual([]);
  });

  test('S20: full: 6, while list, restore and verify go on', async () => {
    await runOk('snapshot', 'first');
    always('PutObject', { kind: 'answer', status: 403, code: 'QuotaExceeded' });
    write('a.md', 'changed\n');
    const taken = await run('snapshot', 'second');
    expect([taken.code, taken.err]).toEqual([6, expect.stringContaining('takes no more writes')]);
    for (const args of [['list'], ['restore', 'a.md', 'first'], ['verify', '--full']]) await runOk(...args);
    expect((await runOk('status', '--json')).result).toMatchObject({
      waiting: 1,
      colour: expect.not.stringMatching('green'),
    });
  });

  test('S21: checksum headers refused: the snapshot is taken without', async () => {
    server.behaviour.checksums = 'refused';
    await runOk('snapshot', 'first');
    expect((await runOk('verify', '--full', '--json')).result).toMatchObject({ passed: true, snapshots: 1 });
  });

  test('S22: a redirect to another host is not followed: 6, and that host learns nothing', async () => {
    await using elsewhere = await startS3Server();
    always('ListObjectsV2', {
      kind: 'answer',
      status: 307,
      headers: { location: `${elsewhere.endpoint}/bucket?list-type=2` },
    });
    const { code, err } = await run('list');
    expect([code, err]).toEqual([6, expect.stringContaining(elsewhere.endpoint)]);
    expect(elsewhere.requests).toEqual([]);
  });

  test('S23: a login page instead of a listing: 5, its beginning shown harmlessly', async () => {
    const page = '<!doctype html>\u001b[2J<title>Hotel Wi-Fi</title>';
    always('ListObjectsV2', { kind: 'answer', status: 200, body: page });
    const { code, out, err } = await run('list');
    expect([code, err]).toEqual([5, expect.stringContaining('Hotel Wi-Fi')]);
    expect(out + err).not.toContain('\u001b[2J');
  });
});

describe('S12, K01 to K04, K14, K18: a store or an index that is not what it was', () => {
  test('S12: a pack behind a delete marker: 7, when it was deleted, and how to get it back', async () => {
    await runOk('snapshot', 'first');
    const other = await secondMachine();
    const key = keyEndingWith('.pack');
    const marker = addVersion(server.bucket, key, { bytes: null });
    for (const args of [['restore', '--all'], ['verify']]) {
      const { code, err } = await runHoldfast(other, args);
      expect([args, code]).toEqual([args, 7]);
      expect(err).toMatch(/was deleted at \d{4}-\d\d-\d\dT.* previous version is recoverable/s);
    }
    removeVersion(server.bucket, key, marker.id);
    expect((await runHoldfast(other, ['restore', '--all'])).code).toBe(0);
  });

  test('K18: an emptied bucket: 7, with how many there were and when', async () => {
    await runOk('snapshot', 'first');
    write('a.md', 'changed\n');
    await runOk('snapshot', 'second');
    server.bucket.objects.clear();
    expect((await run('verify')).code).toBe(7);
    const { code, err } = await run('snapshot', 'third');
    expect([code, err]).toEqual([7, expect.stringMatching(/The store had 2 snapshots on \d{4}-\d\d-\d\d\S*, now 0/)]);
    expect([...server.bucket.objects.keys()]).toEqual([]);
    // Said to be meant, it is accepted, and everything is stored again.
    await runOk('reindex');
    await runOk('snapshot', 'third');
    expect((await runOk('verify', '--full', '--json')).result).toMatchObject({ passed: true, snapshots: 1 });
  });

  test('K14: a record with a false id or label is listed as invalid: 7, and does not reach the terminal', async () => {
    await runOk('snapshot', 'first');
    const id = '2026-01-01T00:00:00Z-evil';
    addVersion(server.bucket, `store/snapshots/${id}/snapshot.json`, {
      bytes: Buffer.from('{"format":1,"id":"../../\u001b[2J"}'),
    });
    for (const args of [['list'], ['verify']]) {
      const { code, out, err } = await run(...args);
      expect([args, code, err]).toEqual([args, 7, expect.stringContaining(id)]);
      expect(out + err).not.toContain('\u001b');
    }
    await runOk('restore', 'a.md', 'first');
  });

  test('K01 to K04: a torn, littered or lost index: a warning, the same list, and the file as it was', async () => {
    await runOk('snapshot', 'first');
    const ids = (await runOk('list', '--json')).lines.map(({ id }) => id);
    const path = join(place.vault, 'state/log/snapshots.ndjson');
    const whole = readFileSync(path);
    const line = whole.subarray(0, whole.indexOf('\n') + 1);
    const damaged = Buffer.concat([Buffer.from('\ufeffnot json\r\n\n\0\0\n'), line, whole, line.subarray(0, 40)]);
    writeFileSync(path, damaged);
    const listed = await runOk('list', '--json');
    expect(listed.lines.filter(({ type }) => type !== 'notice_given').map(({ id }) => id)).toEqual(ids);
    expect((await runOk('list')).err).toMatch(/line \d+ of the snapshot index cannot be read/);
    expect(readFileSync(path).equals(damaged)).toBe(true);
    write('a.md', 'changed\n');
    await runOk('snapshot', 'second');
    expect(readFileSync(path).subarray(0, damaged.length).equals(damaged)).toBe(true);
    rmSync(path);
    expect((await runOk('list')).err).toContain('rebuilt it from 2 records');
    expect((await runOk('verify', '--full', '--json')).result).toMatchObject({ passed: true, snapshots: 2 });
  });
});
