import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { join } from 'node:path';
import { type CliVault, openCliVault, type RunOptions } from '../support/cli-vault.ts';
import { credentialsEnv } from '../support/run-holdfast-s3.ts';
import { keysBelow } from '../support/s3-server/bucket.ts';
import { type S3Server, startS3Server } from '../support/s3-server/start-s3-server.ts';

let server: S3Server;

beforeEach(async () => {
  server = await startS3Server();
  return () => server[Symbol.asyncDispose]();
});

interface OnS3 {
  readonly vault: CliVault;
  readonly options: RunOptions;
  /** Ids of two snapshots, the older one first: `a.md` changed in between. */
  readonly ids: readonly [string, string];
}

async function twoSnapshots(): Promise<OnS3> {
  const vault = openCliVault({ 'a.md': 'one\n', 'b.md': 'the same\n' });
  onTestFinished(() => vault[Symbol.dispose]());
  const options = { env: { ...credentialsEnv(server.credentials), HOLDFAST_STORE: server.storeUrl() } };
  const ids: string[] = [];
  // The label tells the ids of one second apart; the first has none, so that prune may drop it.
  for (const label of [[], ['the newer']]) {
    vault.write({ 'a.md': `${label.length}\n` });
    const { code, last } = await vault.json(['snapshot', ...label], options);
    expect(code).toBe(0);
    ids.push(String(last['id']));
  }
  return { vault, options, ids: ids as [string, string] };
}

/** Keys of a snapshot in the bucket. */
function keysOf(id: string, ending: string): string[] {
  return keysBelow(server.bucket, `store/snapshots/${id}`).filter((key) => key.endsWith(ending));
}

/** Everything but the newest snapshot would go. */
const pruneAll = ['prune', '--keep-none'];

describe('S17: a lifecycle rule that expired our objects', () => {
  test('a pack: verify 7 names the snapshots it hurts and no other; status is red', async () => {
    const { vault, options, ids } = await twoSnapshots();
    for (const key of keysOf(ids[1], '.pack')) server.bucket.objects.delete(key);
    const { code, lines, err } = await vault.json(['verify'], options);
    expect([code, err]).toEqual([7, expect.any(String)]);
    expect(JSON.stringify(lines)).not.toContain(ids[0]);
    expect((await vault.run(['verify'], options)).err).toContain(ids[1]);
    expect((await vault.json(['status'], options)).last).toMatchObject({ colour: 'red' });
    expect((await vault.run(['restore', '--all', ids[0]], options)).code).toBe(0);
  });

  test('a record: verify 7 names the snapshot that is gone', async () => {
    const { vault, options, ids } = await twoSnapshots();
    for (const key of keysOf(ids[0], '.json')) server.bucket.objects.delete(key);
    const { code, err } = await vault.run(['verify'], options);
    expect([code, err]).toEqual([7, expect.stringContaining(ids[0])]);
    expect(err).not.toContain(`${ids[1]}:`);
  });
});

test('S18: an archived pack: 5, what has to be done, and the snapshot before it restores', async () => {
  const { vault, options, ids } = await twoSnapshots();
  const [pack] = keysOf(ids[1], '.pack');
  server.faults.add({
    operation: 'GetObject',
    key: pack!,
    times: Infinity,
    action: { kind: 'answer', status: 403, code: 'InvalidObjectState' },
  });
  // What this machine keeps needs no thawing.
  const other = openCliVault({});
  onTestFinished(() => other[Symbol.dispose]());
  expect((await other.run(['init', '--yes', '--adopt'], options)).code).toBe(0);
  for (const args of [
    ['restore', '--all', ids[1]],
    ['verify', '--full'],
  ]) {
    const { code, err } = await other.run(args, options);
    expect([args, code, err]).toEqual([args, 5, expect.stringMatching(/thaw/i)]);
  }
  expect((await other.run(['restore', '--all', ids[0]], options)).code).toBe(0);
  expect((await vault.run(['list'], options)).code).toBe(0);
});

test('S13 S14: prune where nothing could be brought back: 1, unless that is waived', async () => {
  const { vault, options } = await twoSnapshots();
  server.bucket.versioning = null;
  const before = keysBelow(server.bucket, 'store/');
  const { code, err } = await vault.run([...pruneAll, '--apply'], options);
  expect([code, err]).toEqual([1, expect.stringContaining('--without-versions')]);
  expect(keysBelow(server.bucket, 'store/')).toEqual(before);
});

test('A06: what is locked in the bucket is counted: 3, and nothing is tried over and over', async () => {
  const { vault, options, ids } = await twoSnapshots();
  server.faults.add({
    operation: 'DeleteObject',
    times: Infinity,
    action: { kind: 'answer', status: 403, code: 'AccessDenied' },
  });
  server.requests.length = 0;
  const { code, err } = await vault.run([...pruneAll, '--apply'], options);
  expect([code, err]).toEqual([3, expect.stringMatching(/1 object\s+could not be deleted/)]);
  expect(server.requests.filter((one) => one.startsWith('DeleteObject') && one.includes(ids[0]))).toHaveLength(1);
  expect((await vault.run(['restore', '--all', ids[0]], options)).code).toBe(0);
});

test('S20: writes denied: prune ends 6 and has dropped nothing, its plan and restore go on', async () => {
  const { vault, options, ids } = await twoSnapshots();
  server.faults.add({
    operation: 'PutObject',
    times: Infinity,
    action: { kind: 'answer', status: 403, code: 'QuotaExceeded' },
  });
  expect((await vault.run([...pruneAll, '--apply'], options)).code).toBe(6);
  expect(keysOf(ids[0], 'snapshot.json')).toHaveLength(1);
  expect((await vault.run(pruneAll, options)).code).toBe(0);
  expect((await vault.run(['restore', '--all', ids[0]], options)).code).toBe(0);
});

test('G08: the store itself as its replica, in another spelling: 2, and the settings stay as they were', async () => {
  const { vault, options } = await twoSnapshots();
  const { code, err } = await vault.run(['replicate', 'configure', `${server.storeUrl()}&region=eu-west-1`], options);
  expect([code, err]).toEqual([2, expect.stringContaining('is the store itself')]);
  const at = { env: { HOLDFAST_STORE: join(vault.folder, 'store') } };
  expect((await vault.run(['snapshot', 'x'], at)).code).toBe(0);
  const again = await vault.run(['replicate', 'configure', `${join(vault.folder, 'store')}/../store/`], at);
  expect([again.code, again.err]).toEqual([2, expect.stringContaining('is the store itself')]);
  expect((await vault.run(['replicate', 'status'], at)).err).toContain('No replica is configured');
});
