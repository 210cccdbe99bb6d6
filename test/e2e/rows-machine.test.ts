import { type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endOf, openCliVault, type CliVault } from '../support/cli-vault.ts';
import { deterministicBytes } from '../support/deterministic-bytes.ts';
import { manifestOf } from '../support/manifest.ts';
import { startS3Server } from '../support/s3-server/start-s3-server.ts';

function openVault(contents: Parameters<typeof openCliVault>[0] = { note: 'a note\n' }): CliVault {
  const vault = openCliVault(contents);
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

/** Runs a command in a mount namespace of its own with a small file system in place of a folder: gone when it ends. */
function onSmallDisk(folder: string, script: string): string[] {
  const mount = 'mount -t tmpfs -o size=1m,mode=755 tmpfs "$0"';
  return ['unshare', '-m', 'sh', '-c', `${mount} && ${script}`, folder];
}

describe('Q04: a full disk', () => {
  const large = { note: 'x', large: deterministicBytes(3_000_000) };

  test('under the store: 9, which disk; the vault is as it was; once there is room the next run goes on', async () => {
    const vault = openVault(large);
    const store = join(vault.folder, 'store');
    mkdirSync(store);
    const before = manifestOf(vault.root, (path) => path === 'state');
    const script = [
      '"$@"; echo "code $?" >&2',
      `find "$0" -name '*.pack' -o -name '*tmp*' >&2`,
      'mount -o remount,size=64m "$0"',
      '"$@" && exec "$1" "$2" verify --full --store "$0"',
    ].join('; ');
    const { code, err } = await vault.run(['snapshot', 'x', '--store', store], { through: onSmallDisk(store, script) });
    const [failure, after] = err.split('code 9\n');
    expect(failure).toMatch(/disk is\s+full/);
    expect(failure!.replaceAll(/\s/g, '')).toContain(JSON.stringify(store));
    // Nothing of the failed upload was left, and everything that was captured then is in the store now.
    expect([code, after]).toEqual([0, '']);
    expect(manifestOf(vault.root, (path) => path === 'state')).toEqual(before);
  });

  test('under the private state: 9, and the next run goes on from nothing', async () => {
    const vault = openVault(large);
    vault.write({ 'state/.holdfast': null });
    const folder = join(vault.root, 'state/.holdfast');
    const { code, err } = await vault.run(['snapshot', 'x'], { through: onSmallDisk(folder, 'exec "$@"') });
    expect(code).toBe(9);
    expect(err).toMatch(/disk is full/);
    expect(await vault.run(['snapshot', 'y'])).toMatchObject({ code: 0 });
  });

  test('under the holding directory: 9 with the bytes needed, before or after beginning; nothing live changes', async () => {
    const vault = openVault(large);
    expect(await vault.run(['snapshot', 'x'])).toMatchObject({ code: 0 });
    vault.write({ _restore: null });
    const before = manifestOf(vault.root, (path) => /^(?:state|_restore)$/.test(path));
    const script = `"$@"; code=$?; ls -A "$0" >&2; exit $code`;
    const { code, err } = await vault.run(['restore', '--all'], {
      through: onSmallDisk(join(vault.root, '_restore'), script),
    });
    expect(code).toBe(9);
    expect(err).toMatch(/disk is full|bytes/);
    for (const name of err.split('\n').filter((line) => line.startsWith('all-'))) expect(name).toMatch(/\.INCOMPLETE$/);
    expect(manifestOf(vault.root, (path) => /^(?:state|_restore)$/.test(path))).toEqual(before);
  });
});

test('Q05: with few descriptors it does with less; with far too few it ends, and nothing half is visible', async () => {
  const vault = openVault(Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`f${n}`, `content ${n}`])));
  const within = (limit: number) => ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh'];
  const few = await vault.run(['snapshot', 'few'], { through: within(40) });
  expect(few).toMatchObject({ code: 0 });
  expect(await vault.run(['restore', '--all', 'few'], { through: within(40) })).toMatchObject({ code: 0 });
  // Node itself needs a good twenty; one more or less, depending on how it was started.
  for (const limit of [23, 25, 27]) {
    const { code, err } = await vault.run(['restore', '--all'], { through: within(limit) });
    expect([limit, code === 0 ? 0 : 9, code]).toEqual([limit, code, code]);
    expect(err).toMatch(code === 0 ? /^$/ : /too many open files|unable to open database/);
  }
  expect(await vault.run(['verify'])).toMatchObject({ code: 0 });
  expect((await vault.json(['list'])).last).toMatchObject({ count: 1 });
});

describe('Q09: Ctrl-C while a large snapshot is being uploaded', () => {
  test.each([
    ['once', 1],
    ['twice', 2],
  ])('%s: 130, nothing half visible, and the next run brings it to the store', async (_what, times) => {
    await using server = await startS3Server();
    const vault = openVault();
    const env = {
      AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
      HOLDFAST_STORE: `${server.storeUrl()}&region=us-east-1`,
    };
    expect(await vault.run(['snapshot', 'first'], { env })).toMatchObject({ code: 0 });
    const fault = server.faults;
    fault.add({ operation: 'PutObject', key: '.pack', action: { kind: 'stall' } });
    vault.write({ large: deterministicBytes(500_000) });
    const child = vault.start(['snapshot', 'second'], { env });
    const ended = endOf(child);
    await until(() => server.requests.some((request) => /^PutObject .*second\/.*\.pack$/.test(request)));
    await interrupt(child, times);
    const { code, err } = await ended;
    expect(code).toBe(130);
    expect(err).toContain('stopping safely, press again to quit now');
    const keys = [...server.bucket.objects.keys()];
    expect(keys.filter((key) => key.includes('second'))).toEqual([]);
    fault.clear();
    expect(await vault.run(['snapshot'], { env })).toMatchObject({ code: 0 });
    const listed = await vault.json(['list'], { env });
    expect(listed.lines.map((line) => [line['label'], line['where']])).toContainEqual(['second', 'store']);
    expect(await vault.run(['verify', '--full'], { env })).toMatchObject({ code: 0 });
  });
});

async function interrupt(child: ChildProcess, times: number): Promise<void> {
  if (times > 1) child.stderr!.once('data', () => child.kill('SIGINT'));
  child.kill('SIGINT');
}

/** Polls an in-process fact; the test's own time limit is the only one. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
