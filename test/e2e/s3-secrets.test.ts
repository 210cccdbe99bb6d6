import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type HoldfastPlace, type HoldfastRun, runHoldfast } from '../support/run-holdfast-s3.ts';
import { type S3Server, startS3Server } from '../support/s3-server/start-s3-server.ts';
import { scratchFolder } from '../support/scratch.ts';

// A07: secrets in the environment must come out nowhere: not on a screen, not in a file, not in the store.
const canaries = {
  AWS_SECRET_ACCESS_KEY: 'canary-secret/access+key=1',
  AWS_SESSION_TOKEN: `canary-session-token//${'0123456789abcdef+'.repeat(20)}==2`,
  BACKUP_ENCRYPTION_KEY: 'c0ffee'.repeat(10) + 'cana',
  HOLDFAST_PASSPHRASE: 'canary correct horse battery 4',
};
const echoes = Object.values(canaries).flatMap((value) => [value, encodeURIComponent(value)]);
/** Half a secret is a secret. */
const needles = echoes.map((value) => value.slice(0, 20));

const commands: readonly (readonly string[])[] = [
  ['snapshot', 'with canaries'],
  ['list'],
  ['status'],
  ['diff', 'first'],
  ['log', 'a.md'],
  ['find', 'a'],
  ['ls'],
  ['cat', 'a.md'],
  ['restore', 'a.md'],
  ['restore', '--all', '--validate-only'],
  ['verify', '--full'],
  ['export'],
  ['reindex'],
  ['init', '--yes'],
  ['completion', 'bash'],
  ['help', 'settings'],
  ['no-such-command'],
];

let server: S3Server;
let folder: string;
let place: HoldfastPlace;

beforeEach(async () => {
  server = await startS3Server();
  Object.assign(server.credentials, { secretAccessKey: canaries.AWS_SECRET_ACCESS_KEY });
  folder = scratchFolder();
  const [vault, home] = [join(folder, 'vault'), join(folder, 'home')];
  mkdirSync(vault);
  mkdirSync(home);
  mkdirSync(join(folder, 'tmp'));
  writeFileSync(join(vault, 'a.md'), 'a note\n');
  const env = {
    ...canaries,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    TMPDIR: join(folder, 'tmp'),
    NODE_DEBUG: 'holdfast',
  };
  place = { vault, home, store: server.storeUrl(), env };
  return () => server[Symbol.asyncDispose]();
});

/** What shows a secret: output, files of this machine (all but the vault's own), objects of the store. */
function leaks(runs: readonly HoldfastRun[]): string[] {
  const places: [string, Buffer][] = [
    ...runs.flatMap(({ bytes, err }): [string, Buffer][] => [
      ['standard output', bytes],
      ['standard error', Buffer.from(err)],
    ]),
    ...filesBelow(folder).map((path): [string, Buffer] => [path, readFileSync(path)]),
    ...[...server.bucket.objects].flatMap(([key, versions]) =>
      versions.map(({ bytes }): [string, Buffer] => [key, bytes ?? Buffer.alloc(0)]),
    ),
  ];
  return places.filter(([, bytes]) => needles.some((needle) => bytes.includes(needle))).map(([name]) => name);
}

function filesBelow(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function runAll(flags: readonly string[] = []): Promise<HoldfastRun[]> {
  const runs: HoldfastRun[] = [];
  for (const args of commands) runs.push(await runHoldfast(place, [...args, ...flags]));
  return runs;
}

test.each([[[]], [['--json']]])('every command that succeeds keeps them to itself %j', async (flags) => {
  const first = await runHoldfast(place, ['snapshot', 'first']);
  const runs = await runAll(flags);
  expect([first, ...runs.slice(0, 9)].map(({ code }) => code)).toEqual(Array.from({ length: 10 }, () => 0));
  expect(leaks([first, ...runs])).toEqual([]);
});

test.each([[[]], [['--json']]])('every command refused by a store that echoes what it was sent %j', async (flags) => {
  const echo = `<Error><Code>AccessDenied</Code><Message>${echoes.join(' ')}</Message></Error>`;
  const headers = { 'content-type': 'application/xml', 'x-echo': canaries.AWS_SESSION_TOKEN };
  server.faults.add({ times: Infinity, action: { kind: 'answer', status: 403, body: echo, headers } });
  const runs = await runAll(flags);
  expect(runs.filter(({ code }) => code === 6).length).toBeGreaterThan(3);
  expect(leaks(runs)).toEqual([]);
});

test.each(Object.keys(canaries) as (keyof typeof canaries)[])('a web page that begins with %s', async (name) => {
  await runHoldfast(place, ['snapshot', 'first']);
  for (const body of [`<html>${canaries[name]}`, `<html>${encodeURIComponent(canaries[name])}`]) {
    server.faults.clear();
    server.faults.add({ times: Infinity, action: { kind: 'answer', status: 200, body } });
    const runs = [await runHoldfast(place, ['list']), await runHoldfast(place, ['verify', '--json'])];
    expect(runs.map(({ code, err }) => [code, err])).toEqual([
      [5, expect.anything()],
      [5, expect.anything()],
    ]);
    expect(leaks(runs)).toEqual([]);
  }
});

test.each([[[]], [['--json']]])('a crash: the log is written, without them %j', async (flags) => {
  // Breaks the program from inside, with the secrets in the message and the cause.
  const bomb = `import os from 'node:os';
    import { syncBuiltinESMExports } from 'node:module';
    const values = Object.values(process.env).join(' ');
    os.hostname = () => { throw new TypeError('bomb ' + values, { cause: new Error(values) }); };
    syncBuiltinESMExports();`;
  const nodeFlags = ['--import', `data:text/javascript,${encodeURIComponent(bomb)}`];
  const crashed = await runHoldfast(place, ['list', ...flags], { nodeFlags });
  expect(crashed.code).toBe(70);
  const logs = filesBelow(folder).filter((path) => /error-[0-9a-f]{8}\.log$/.test(path));
  expect(logs).toHaveLength(1);
  expect(readFileSync(logs[0]!, 'utf8')).toContain('bomb');
  expect(leaks([crashed])).toEqual([]);
  rmSync(logs[0]!);
});
