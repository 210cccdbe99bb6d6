import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CliVault, openCliVault, type Run } from '../support/cli-vault.ts';
import { type S3Server, startS3Server } from '../support/s3-server/start-s3-server.ts';

// A07, P11: what opens the store, and what is in it, must come out nowhere.
const canaries = {
  HOLDFAST_KEY: 'c0ffee11deadbeef5ca1ab1e0ddba11ac0ffee22deadbeef5ca1ab1e0ddba11b',
  BACKUP_ENCRYPTION_KEY: 'badc0ffee0ddf00d1234567890abcdefbadc0ffee0ddf00d1234567890abcde1',
  HOLDFAST_PASSPHRASE: 'canary correct horse battery 4',
  HOLDFAST_NEW_PASSPHRASE: 'canary zebra crossing lamp 9',
  HOLDFAST_NEW_KEY: 'feedfacecafebeef0123456789abcdeffeedfacecafebeef0123456789abcde2',
} as const;
const fileKey = 'abad1dea0123456789abcdef00112233abad1dea0123456789abcdef00112244';
const contentCanary = 'THE-BODY-OF-A-NOTE-canary';
const nameCanary = 'a-file-name-canary';

const commands: readonly (readonly string[])[] = [
  ['snapshot', 'a label canary'],
  ['list', '--json'],
  ['status', '--json'],
  ['diff', 'first'],
  ['ls', '--json'],
  ['verify', '--full', '--json'],
  ['restore', '--all', '--validate-only'],
  ['key', 'list', '--json'],
  ['key', 'add', 'office', '--json'],
  ['key', 'remove', 'office'],
  ['key', 'no-such-action'],
  ['help', 'environment'],
];

function filesBelow(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Where one of `needles` shows. */
function leaks(needles: readonly string[], places: readonly (readonly [string, Buffer])[]): string[] {
  const forms = needles.flatMap((needle) => [
    Buffer.from(needle),
    ...(/^[0-9a-f]{64}$/.test(needle)
      ? [Buffer.from(needle, 'hex'), Buffer.from(needle.match(/.{4}/g)!.join('-'))]
      : []),
    Buffer.from(Buffer.from(needle).toString('base64').slice(0, 20)),
  ]);
  return places.filter(([, bytes]) => forms.some((form) => bytes.includes(form))).map(([name]) => name);
}

function outputs(runs: readonly Run[]): [string, Buffer][] {
  return runs.flatMap(({ bytes, err }, index): [string, Buffer][] => [
    [`standard output of ${index}`, bytes],
    [`standard error of ${index}`, Buffer.from(err)],
  ]);
}

function bucketPlaces(server: S3Server): [string, Buffer][] {
  return [...server.bucket.objects].flatMap(([key, versions]) =>
    versions.map(({ bytes }): [string, Buffer] => [
      `object ${key}`,
      Buffer.concat([Buffer.from(key), bytes ?? Buffer.alloc(0)]),
    ]),
  );
}

async function withStore(use: (cli: CliVault, server: S3Server, env: Record<string, string>) => Promise<void>) {
  await using server = await startS3Server();
  using cli = openCliVault({ [`${nameCanary}.md`]: `${contentCanary}\n`, '.env': 'TOKEN=canary-token-in-dotenv\n' });
  mkdirSync(join(cli.folder, 'tmp'));
  await use(cli, server, {
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    TMPDIR: join(cli.folder, 'tmp'),
    NODE_DEBUG: 'holdfast',
  });
}

test.each(['BACKUP_ENCRYPTION_KEY', 'HOLDFAST_PASSPHRASE', '--key-file', '--key-command'])(
  'no command shows or stores the key, or sends what is in the vault: %s',
  async (source) => {
    await withStore(async (cli, server, base) => {
      const keyFile = join(cli.folder, 'key');
      writeFileSync(keyFile, `${fileKey}\n`, { mode: 0o600 });
      const isFlag = source.startsWith('--');
      const flags = isFlag ? [source, source === '--key-file' ? keyFile : `cat '${keyFile}'`] : [];
      const name = source as keyof typeof canaries;
      const newName = source === 'HOLDFAST_PASSPHRASE' ? 'HOLDFAST_NEW_PASSPHRASE' : 'HOLDFAST_NEW_KEY';
      const env = { ...base, ...(isFlag ? {} : { [name]: canaries[name] }), [newName]: canaries[newName] };
      const run = (args: readonly string[]): Promise<Run> => cli.run([...args, ...flags], { env });
      const made = await run(['init', '--encrypt', '--yes', '--store', server.storeUrl()]);
      const runs = [made, await run(['snapshot', 'first'])];
      writeFileSync(join(cli.root, 'b.md'), 'more\n');
      for (const args of commands) runs.push(await run(args));
      expect(runs.map(({ code }) => code)).toEqual([...Array.from({ length: 12 }, () => 0), 2, 0]);
      const recovery = /(?:[0-9a-f]{4}-){3}[0-9a-f]{4}/.exec(made.out)![0];
      const files = filesBelow(cli.folder)
        .filter((path) => path !== keyFile && !path.startsWith(join(cli.root, '.env')))
        .map((path): [string, Buffer] => [path, readFileSync(path)]);
      const secrets = [...Object.values(canaries), fileKey];
      expect(leaks(secrets, [...outputs(runs), ...files, ...bucketPlaces(server)])).toEqual([]);
      // Shown once, by the command that made it.
      expect(leaks([recovery], [...outputs(runs.slice(1)), ...files, ...bucketPlaces(server)])).toEqual([]);
      expect(
        leaks([contentCanary, nameCanary, 'a label canary', 'canary-token-in-dotenv'], bucketPlaces(server)),
      ).toEqual([]);
    });
  },
);

test('a wrong key, a refusal and a crash keep it to themselves as well', async () => {
  await withStore(async (cli, server, base) => {
    const good = { ...base, HOLDFAST_KEY: canaries.HOLDFAST_KEY };
    const runs = [await cli.run(['init', '--encrypt', '--yes', '--store', server.storeUrl()], { env: good })];
    runs[0] = { ...runs[0]!, out: '', bytes: Buffer.alloc(0) };
    const wrong = { ...base, HOLDFAST_PASSPHRASE: canaries.HOLDFAST_PASSPHRASE };
    for (const flags of [[], ['--json']]) {
      runs.push(await cli.run(['snapshot', 'x', ...flags], { env: wrong }));
      runs.push(
        await cli.run(['snapshot', 'x', ...flags], { env: { ...base, HOLDFAST_KEY: canaries.HOLDFAST_PASSPHRASE } }),
      );
    }
    expect(runs.map(({ code }) => code)).toEqual([0, 8, 8, 8, 8]);
    const bomb = `import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
      os.hostname = () => { throw new TypeError('bomb ' + Object.values(process.env).join(' ')); };
      syncBuiltinESMExports();`;
    const bombed = { ...good, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(bomb)}` };
    runs.push(await cli.run(['list'], { env: bombed }));
    expect(runs.at(-1)!.code).toBe(70);
    const logs = filesBelow(cli.folder).filter((path) => /error-[0-9a-f]{8}\.log$/.test(path));
    expect(logs.length).toBe(1);
    const files = filesBelow(cli.folder).map((path): [string, Buffer] => [path, readFileSync(path)]);
    expect(leaks(Object.values(canaries), [...outputs(runs), ...files, ...bucketPlaces(server)])).toEqual([]);
    expect(existsSync(join(cli.root, '_restore'))).toBe(false);
  });
});
