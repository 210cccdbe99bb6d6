import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { decryptorSource } from '../../src/format/decryptor/decryptor-source.ts';
import { restoreGuide } from '../../src/format/restore-guide.ts';
import { type CliVault, openCliVault } from '../support/cli-vault.ts';
import { followGuide } from '../support/follow-guide.ts';

const passphrase = 'correct horse battery staple';
const hexKey = '00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f';
const contents = { 'a.md': 'a note\n', 'deep/er/b.md': 'b\r\n', '.env': 'TOKEN=secret\n', 'empty.md': '' };

async function encryptedStore(cli: CliVault, env: Readonly<Record<string, string>>): Promise<string> {
  const store = join(cli.folder, 'store');
  writeFileSync(join(cli.root, 'film.mkv'), randomBytes(9_000_000));
  const made = await cli.run(['init', '--encrypt', '--store', store, '--yes', '--kdf', 'scrypt'], { env });
  expect([made.code, made.err]).toEqual([0, '']);
  expect((await cli.run(['snapshot', 'first'], { env })).code).toBe(0);
  writeFileSync(join(cli.root, 'a.md'), 'changed\n');
  expect((await cli.run(['snapshot', 'second'], { env })).code).toBe(0);
  return store;
}

function expectRecovered(cli: CliVault, recovered: string): void {
  for (const name of [...Object.keys(contents), 'film.mkv']) {
    expect(readFileSync(join(recovered, name)).equals(readFileSync(join(cli.root, name)))).toBe(true);
  }
}

test.each([
  ['a passphrase', { HOLDFAST_PASSPHRASE: passphrase }],
  ['64 hex digits', { HOLDFAST_KEY: hexKey }],
  ['64 hex digits under the name others use', { BACKUP_ENCRYPTION_KEY: hexKey }],
])('an encrypted store is restored by RESTORE.md with stock git and decrypt.mjs alone: %s', async (_name, env) => {
  using cli = openCliVault(contents);
  const store = await encryptedStore(cli, env);
  const guide = readFileSync(join(store, 'RESTORE.md'), 'utf8');
  expect(guide).toBe(restoreGuide({ isEncrypted: true }));
  expect(readFileSync(join(store, 'decrypt.mjs'), 'utf8')).toBe(decryptorSource);
  const { recovered, output } = followGuide(store, '5.', guide, env);
  expect(output).toContain('second');
  expectRecovered(cli, recovered);
});

test('the recovery key printed by init opens the store, in groups as it was printed', async () => {
  using cli = openCliVault(contents);
  const store = join(cli.folder, 'store');
  const env = { HOLDFAST_KEY: hexKey };
  const { last } = await cli.json(['init', '--encrypt', '--store', store, '--yes'], { env });
  expect((await cli.run(['snapshot', 'first'], { env })).code).toBe(0);
  const file = join(cli.folder, 'recovery');
  writeFileSync(
    file,
    `${String(last['recovery_key'])
      .match(/.{1,20}/g)!
      .join('\n')}\n`,
    { mode: 0o600 },
  );
  expect((await cli.run(['restore', '--all', '--validate-only', '--key-file', file])).code).toBe(0);
  decrypt(store, join(cli.folder, 'plain'), ['--key-file', file]);
  expect(existsSync(join(cli.folder, 'plain', 'holdfast.json'))).toBe(true);
});

test('a copy of a bucket, whose names have colons, decrypts as well', async () => {
  using cli = openCliVault(contents);
  const env = { HOLDFAST_KEY: hexKey };
  const store = await encryptedStore(cli, env);
  const copy = join(cli.folder, 'copy');
  cpSync(store, copy, { recursive: true });
  for (const name of readdirSync(join(copy, 'snapshots'))) {
    const key = name.replace(/T(\d\d)-(\d\d)-(\d\d)Z/, 'T$1:$2:$3Z');
    renameSync(join(copy, 'snapshots', name), join(copy, 'snapshots', key));
  }
  const { recovered } = followGuide(copy, '5.', restoreGuide({ isEncrypted: true }), env);
  expect(readFileSync(join(recovered, 'a.md'), 'utf8')).toBe('changed\n');
  expectRecovered(cli, recovered);
});

test('K10: decrypt.mjs names a damaged object, leaves no part of it, and brings the others out', async () => {
  using cli = openCliVault(contents);
  const env = { HOLDFAST_KEY: hexKey };
  const store = await encryptedStore(cli, env);
  const [first] = readdirSync(join(store, 'snapshots')).toSorted();
  const pack = readdirSync(join(store, 'snapshots', first!)).find((name) => name.endsWith('.pack'))!;
  const path = join(store, 'snapshots', first!, pack);
  const bytes = readFileSync(path);
  bytes[92 + 65_552 * 3 + 100]! ^= 1;
  writeFileSync(path, bytes, { mode: 0o600 });
  const out = join(cli.folder, 'plain');
  const { status, stderr } = decrypt(store, out, [], env);
  expect([status, stderr]).toEqual([1, expect.stringContaining('chunk 3 was changed or damaged')]);
  expect(stderr).toContain(pack);
  expect(readdirSync(join(out, 'snapshots', first!)).toSorted()).toEqual([
    pack.replace('.pack', '.idx'),
    'snapshot.json',
  ]);
});

test('K09: decrypt.mjs with a wrong key makes nothing', async () => {
  using cli = openCliVault(contents);
  const store = await encryptedStore(cli, { HOLDFAST_KEY: hexKey });
  const out = join(cli.folder, 'plain');
  for (const env of [{ HOLDFAST_KEY: hexKey.replace('0', '1') }, { HOLDFAST_PASSPHRASE: passphrase }]) {
    const { status, stderr } = decrypt(store, out, [], env);
    expect([status, stderr]).toEqual([1, 'error: The key does not match this store.\n']);
    expect(existsSync(out)).toBe(false);
  }
});

function decrypt(store: string, out: string, flags: readonly string[], env: Readonly<Record<string, string>> = {}) {
  try {
    execFileSync(process.execPath, [join(store, 'decrypt.mjs'), store, out, ...flags], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: 'pipe',
    });
    return { status: 0, stderr: '' };
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: Buffer };
    return { status, stderr: stderr.toString() };
  }
}
