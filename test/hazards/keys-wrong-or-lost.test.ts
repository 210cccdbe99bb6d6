import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeStoreHeader, decodeStoreHeader } from '../../src/format/store-header.ts';
import { withRightSum } from '../support/right-sum.ts';
import { type CliVault, openCliVault } from '../support/cli-vault.ts';

const key = '00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f';
const otherKey = 'ff112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f';
const env = { HOLDFAST_KEY: key };

let cli: CliVault;
let store: string;

async function makeStore(): Promise<void> {
  cli = openCliVault({ 'a.md': 'a note\n', '.env': 'TOKEN=secret\n' });
  store = join(cli.folder, 'store');
  expect((await cli.run(['init', '--encrypt', '--store', store, '--yes'], { env })).code).toBe(0);
  expect((await cli.run(['snapshot', 'first'], { env })).code).toBe(0);
}

/** One vault for tests that leave it as it is. */
function shareOne(): void {
  beforeAll(makeStore);
  afterAll(() => cli[Symbol.dispose]());
}

function oneEach(): void {
  beforeEach(makeStore);
  afterEach(() => cli[Symbol.dispose]());
}

/** Every file below the folders, with its bytes. */
function filesOf(...folders: string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of folders.filter((path) => existsSync(path))) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) files.set(path, readFileSync(path, 'base64'));
    }
  }
  return files;
}

const everyCommand = [['snapshot', 'x'], ['restore', '--all'], ['list'], ['status'], ['verify'], ['key', 'add', 'x']];

describe('K09: a key that is wrong or missing', () => {
  shareOne();

  test.each([
    ['another key', { HOLDFAST_KEY: otherKey }, /key does not match this vault/],
    [
      'a passphrase where there is none',
      { HOLDFAST_PASSPHRASE: 'correct horse battery' },
      /key does not match this vault/,
    ],
    ['no key', {}, /is encrypted, and no key was given[\s\S]*HOLDFAST_PASSPHRASE[\s\S]*HOLDFAST_KEY[\s\S]*--key-file/],
    ['no hex digits', { HOLDFAST_KEY: 'correct horse' }, /HOLDFAST_KEY does not hold a key of 64 hex digits/],
  ])('is refused by every command, and nothing is written: %s', async (name, wrong, words) => {
    writeFileSync(join(cli.root, 'a.md'), 'changed\n');
    const before = filesOf(cli.root, store);
    for (const args of name === 'another key' ? everyCommand : everyCommand.slice(0, 2)) {
      const run = await cli.run(args, { env: wrong });
      expect([args, run.code]).toEqual([args, 8]);
      expect(run.err).toMatch(words);
      expect(run.err.toLowerCase()).not.toContain(key.slice(0, 16));
    }
    expect(filesOf(cli.root, store)).toEqual(before);
  });

  test('is refused on a machine that has never seen the store, too', async () => {
    using other = openCliVault({ 'b.md': 'b\n' });
    const wrong = await other.json(['list', '--store', store], { env: { HOLDFAST_KEY: otherKey } });
    expect([wrong.code, wrong.last]).toEqual([8, expect.objectContaining({ error: 'key_wrong' })]);
    const right = await other.json(['list', '--store', store], { env });
    expect([right.code, right.err]).toEqual([0, '']);
  });

  test('takes no more than a look: list of keys and completion ask for none', async () => {
    const listed = await cli.json(['key', 'list']);
    expect([listed.code, listed.last]).toMatchObject([
      0,
      { encrypted: true, keys: [{ name: 'key' }, { name: 'recovery' }] },
    ]);
  });
});

describe('A04: a key file', () => {
  shareOne();

  test('that others can read is warned of, and used', async () => {
    const file = join(cli.folder, 'key');
    writeFileSync(file, `${key}\n`);
    chmodSync(file, 0o644);
    const open = await cli.run(['list', '--key-file', file]);
    expect([open.code, open.err]).toEqual([0, expect.stringMatching(/can be read by others: chmod 600/)]);
    chmodSync(file, 0o600);
    expect(await cli.run(['list', '--key-file', file])).toMatchObject({ code: 0, err: '' });
    expect(await cli.run(['list'], { env: { HOLDFAST_KEY_FILE: file } })).toMatchObject({ code: 0, err: '' });
  });

  test.each(['missing', 'folder', 'empty'])('that is not there, or none, is refused: %s', async (what) => {
    const file = join(cli.folder, what);
    if (what === 'folder') mkdirSync(file);
    if (what === 'empty') writeFileSync(file, '', { mode: 0o600 });
    expect(await cli.run(['list', '--key-file', file])).toMatchObject({ code: 8, out: '' });
  });

  test('or a command gives the key; one that fails is refused without what it printed', async () => {
    expect((await cli.run(['list', '--key-command', `printf '%s' "${key}"`])).code).toBe(0);
    const failed = await cli.run(['list', '--key-command', `sh -c 'echo hush-hush; exit 3'`]);
    expect([failed.code, failed.err]).toEqual([8, expect.stringMatching(/key command gave no key: it ended with 3/)]);
    expect(failed.out + failed.err).not.toContain('hush-hush');
    expect((await cli.run(['list', '--key-command', 'no-such-program-here'])).code).toBe(8);
  });
});

describe('K11: a store that should be encrypted', () => {
  oneEach();

  const headerPath = (): string => join(store, 'holdfast.json');
  const sayPlain = (): void => {
    const header = decodeStoreHeader(readFileSync(headerPath()));
    writeFileSync(headerPath(), encodeStoreHeader({ ...header, cipher: null }));
  };

  test('and says it is not, is refused by the machine that knew it, and nothing is sent', async () => {
    sayPlain();
    rmSync(join(cli.root, 'state/.holdfast/cache'), { recursive: true });
    writeFileSync(join(cli.root, 'a.md'), 'changed\n');
    const before = [...filesOf(store).keys()];
    const run = await cli.run(['snapshot', 'second'], { env });
    expect([run.code, run.err]).toEqual([7, expect.stringMatching(/should be encrypted, and now it says it is not/)]);
    expect([...filesOf(store).keys()]).toEqual(before);
    expect((await cli.run(['verify'], { env })).code).toBe(7);
  });

  test('and says it is not, is refused where only the settings know', async () => {
    sayPlain();
    rmSync(join(cli.root, 'state/.holdfast'), { recursive: true });
    const run = await cli.run(['snapshot', 'second'], { env });
    expect([run.code, run.err]).toEqual([7, expect.stringMatching(/should be encrypted/)]);
  });

  test('is not made anew without encryption where the settings demand it', async () => {
    const elsewhere = join(cli.folder, 'elsewhere');
    mkdirSync(elsewhere);
    const run = await cli.run(['snapshot', 'x', '--store', elsewhere], { env });
    expect([run.code, run.err]).toEqual([2, expect.stringMatching(/holdfast init --encrypt/)]);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('is not made of one that exists without', async () => {
    using other = openCliVault({ 'b.md': 'b\n' });
    const plain = join(other.folder, 'plain');
    expect((await other.run(['init', '--store', plain, '--yes'])).code).toBe(0);
    const run = await other.run(['init', '--encrypt', '--store', plain, '--yes'], { env });
    expect([run.code, run.err]).toEqual([2, expect.stringMatching(/encryption is chosen when a store is made/)]);
    const asks = await other.run(['init', '--encrypt', '--store', join(other.folder, 'new'), '--yes']);
    expect([asks.code, asks.err]).toEqual([8, expect.stringMatching(/HOLDFAST_PASSPHRASE/)]);
  });

  test('of an unknown cipher, or with weak keys, is refused', async () => {
    const text = readFileSync(headerPath(), 'utf8');
    writeFileSync(headerPath(), withRightSum(text.replace('aes-256-gcm-stream-64k', 'rot13')));
    using other = openCliVault({ 'b.md': 'b\n' });
    expect(await other.run(['list', '--store', store], { env })).toMatchObject({ code: 2 });
    writeFileSync(headerPath(), text);
    const sheetPath = join(store, 'keys', '00000001.json');
    const sheet = readFileSync(sheetPath, 'utf8');
    const weak = sheet.replace('"id": "hkdf-sha256"', '"id": "scrypt", "cost": 2, "blockSize": 8, "lanes": 1');
    writeFileSync(sheetPath, withRightSum(weak));
    const run = await other.run(['list', '--store', store], { env });
    expect([run.code, run.err]).toEqual([7, expect.stringMatching(/keys of this store cannot be trusted.*scrypt/s)]);
  });
});

describe('an encrypted store in use', () => {
  oneEach();

  test('keys are rotated by command, a passphrase at a time or with a new master key', async () => {
    const [one, two] = ['the first long passphrase', 'the second long passphrase'];
    const added = await cli.run(['key', 'add', 'office'], { env: { ...env, HOLDFAST_NEW_PASSPHRASE: one } });
    expect(added.code).toBe(0);
    const rotated = await cli.json(['key', 'rotate'], {
      env: { HOLDFAST_PASSPHRASE: one, HOLDFAST_NEW_PASSPHRASE: two },
    });
    expect([rotated.code, rotated.last]).toMatchObject([0, { changed: true, generation: 4 }]);
    expect((await cli.run(['list'], { env: { HOLDFAST_PASSPHRASE: one } })).code).toBe(8);
    expect((await cli.run(['list'], { env: { HOLDFAST_PASSPHRASE: two } })).code).toBe(0);
    const refused = await cli.run(['key', 'rotate', '--master'], { env });
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/keys not in use: office[\s\S]*--drop-others/),
    ]);
    const renewed = await cli.json(['key', 'rotate', '--master', '--drop-others'], { env });
    expect(renewed.code).toBe(0);
    expect((await cli.run(['list'], { env: { HOLDFAST_PASSPHRASE: two } })).code).toBe(8);
    const recovery = String(renewed.last['recovery_key']);
    writeFileSync(join(cli.root, 'a.md'), 'after\n');
    expect((await cli.run(['snapshot', 'after'], { env: { HOLDFAST_KEY: recovery } })).code).toBe(0);
    expect((await cli.run(['cat', 'a.md', 'first'], { env: { HOLDFAST_KEY: recovery } })).out).toBe('a note\n');
  });

  test('a second machine joins with its own key, and each restores what the other stored', async () => {
    using other = openCliVault({ 'a.md': 'from the other\n', '.env': 'OTHER=1\n' });
    const passphrase = { HOLDFAST_PASSPHRASE: 'the other machine has this' };
    const added = await cli.run(['key', 'add', 'other'], {
      env: { ...env, HOLDFAST_NEW_PASSPHRASE: passphrase.HOLDFAST_PASSPHRASE },
    });
    expect(added).toMatchObject({ code: 0, err: '' });
    const joined = await other.run(['init', '--store', store, '--adopt', '--yes'], {
      env: { ...passphrase, HOLDFAST_MACHINE: 'other' },
    });
    expect(joined).toMatchObject({ code: 0, err: '' });
    expect((await other.run(['snapshot', 'theirs'], { env: { ...passphrase, HOLDFAST_MACHINE: 'other' } })).code).toBe(
      0,
    );
    expect((await cli.run(['restore', '--all', 'theirs'], { env })).code).toBe(0);
    const [folder] = readdirSync(join(cli.root, '_restore')).filter((name) => name.startsWith('all'));
    expect(readFileSync(join(cli.root, '_restore', folder!, '.env'), 'utf8')).toBe('OTHER=1\n');
    expect((await other.run(['cat', '.env', 'first'], { env: passphrase })).out).toBe('TOKEN=secret\n');
  });

  test('labels are kept out of the names in the store where the settings say so', async () => {
    const settings = readFileSync(join(cli.root, 'holdfast.json'), 'utf8');
    writeFileSync(
      join(cli.root, 'holdfast.json'),
      settings.replace('"required": true', '"required": true, "hideLabels": true'),
    );
    expect((await cli.run(['snapshot', 'Project Nightingale'], { env })).code).toBe(0);
    expect([...filesOf(store).keys()].filter((path) => /nightingale/i.test(path))).toEqual([]);
    const listed = await cli.json(['list'], { env });
    expect(listed.out).toContain('Project Nightingale');
    expect((await cli.run(['cat', 'a.md', 'Project Nightingale'], { env })).out).toBe('a note\n');
  });
});
