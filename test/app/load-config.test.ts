import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../../src/app/host.ts';
import { loadConfig, type ConfigFlags } from '../../src/app/load-config.ts';
import { isHoldfastError, type HoldfastError } from '../../src/model/errors.ts';

let root: string;
let home: string;
let vault: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-config-')));
  home = join(root, 'home');
  vault = join(root, 'vault');
  mkdirSync(home);
  mkdirSync(join(vault, 'deep', 'er'), { recursive: true });
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function host(part: Partial<Host> = {}): Host {
  return { env: {}, cwd: vault, home, platform: 'linux', now: () => new Date(0), ...part };
}

function failure(flags: ConfigFlags, from: Host): HoldfastError {
  try {
    loadConfig(flags, from);
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('the vault', () => {
  test('is what --vault says, then HOLDFAST_VAULT', () => {
    const other = join(root, 'other');
    mkdirSync(other);
    const env = { HOLDFAST_VAULT: other };
    expect(loadConfig({ vault: '../vault' }, host({ cwd: other, env }))).toMatchObject({
      vaultRoot: vault,
      vaultFoundBy: 'flag',
    });
    expect(loadConfig({}, host({ env }))).toMatchObject({ vaultRoot: other, vaultFoundBy: 'environment' });
    expect(loadConfig({}, host({ env: { HOLDFAST_VAULT: '' } })).vaultRoot).toBe(vault);
  });

  test('is the nearest folder that was set up, then the nearest repository, then here', () => {
    const deep = join(vault, 'deep', 'er');
    const from = host({ cwd: deep });
    expect(loadConfig({}, from)).toMatchObject({ vaultRoot: deep, vaultFoundBy: 'current_folder' });
    mkdirSync(join(vault, '.git'));
    expect(loadConfig({}, from)).toMatchObject({ vaultRoot: vault, vaultFoundBy: 'repository' });
    mkdirSync(join(vault, 'deep', 'state', '.holdfast'), { recursive: true });
    expect(loadConfig({}, from)).toMatchObject({ vaultRoot: join(vault, 'deep'), vaultFoundBy: 'state' });
    writeFileSync(join(deep, 'holdfast.json'), '{}');
    expect(loadConfig({}, from)).toMatchObject({ vaultRoot: deep, vaultFoundBy: 'settings' });
  });

  test('has the links in its path resolved, so that one vault has one store', () => {
    symlinkSync(vault, join(root, 'link'));
    expect(loadConfig({ vault: join(root, 'link') }, host())).toEqual(loadConfig({ vault }, host()));
  });

  test('may start with ~', () => {
    mkdirSync(join(home, 'notes'));
    expect(loadConfig({ vault: '~/notes' }, host()).vaultRoot).toBe(join(home, 'notes'));
  });

  test.each(['/', '/etc', '/usr', '/tmp', '/proc/self', '~', '..'])('is never %s', (path) => {
    const error = failure({ vault: path }, host());
    expect([error.code, error.kind]).toEqual(['vault_unsuitable', 'refused']);
    expect(error.hint).toContain('--vault');
  });

  test('is never inside git’s own data', () => {
    mkdirSync(join(vault, '.git', 'objects'), { recursive: true });
    expect(failure({ vault: '.git/objects' }, host()).code).toBe('vault_unsuitable');
    expect(loadConfig({}, host({ cwd: join(vault, '.git', 'objects') })).vaultRoot).toBe(vault);
  });

  test('must exist and be a folder', () => {
    writeFileSync(join(root, 'file'), '');
    for (const path of [join(root, 'none'), join(root, 'file')]) {
      expect(failure({ vault: path }, host()).code).toBe('vault_missing');
    }
    expect(failure({}, host({ cwd: '' })).code).toBe('vault_missing');
  });
});

describe('the store', () => {
  const digest = () => createHash('sha256').update(vault).digest('hex').slice(0, 8);

  test('is by default a folder of the user’s own data, where each system keeps it', () => {
    const pathOn = (part: Partial<Host>) => loadConfig({}, host(part)).store;
    const stores = (data: string) => ({
      kind: 'directory',
      path: join(data, 'holdfast', 'stores', `vault-${digest()}`),
    });
    expect(pathOn({})).toEqual(stores(join(home, '.local', 'share')));
    expect(pathOn({ env: { XDG_DATA_HOME: '/data' } })).toEqual(stores('/data'));
    expect(pathOn({ env: { XDG_DATA_HOME: 'relative' } })).toEqual(stores(join(home, '.local', 'share')));
    expect(pathOn({ platform: 'darwin' })).toEqual(stores(join(home, 'Library', 'Application Support')));
    expect(pathOn({ platform: 'win32', env: { LOCALAPPDATA: '/local' } })).toEqual(stores('/local'));
  });

  test('flags beat the environment, that beats the file', () => {
    writeFileSync(join(vault, 'holdfast.json'), '{ "store": "s3://from-file/notes" }');
    const env = { HOLDFAST_STORE: 's3://from-environment' };
    expect(loadConfig({}, host())).toMatchObject({
      storeFrom: 'settings',
      store: { bucket: 'from-file', prefix: 'notes' },
    });
    expect(loadConfig({}, host({ env }))).toMatchObject({
      storeFrom: 'environment',
      store: { bucket: 'from-environment' },
    });
    expect(loadConfig({ store: '../backup' }, host({ env }))).toMatchObject({
      storeFrom: 'flag',
      store: { kind: 'directory', path: join(root, 'backup') },
    });
  });

  test('never lies in its vault, nor the vault in it, links looked through', () => {
    symlinkSync(vault, join(root, 'link'));
    for (const store of [join(vault, 'backup'), vault, root, join(root, 'link', 'new', 'store')]) {
      expect(failure({ store }, host()).code).toBe('config_invalid');
    }
    expect(loadConfig({ store: `${vault}-backup` }, host()).storeFrom).toBe('flag');
  });

  test('carries no credentials, and no plain http to another machine unless told so', () => {
    expect(failure({ store: 's3://key:secret@bucket' }, host()).message).not.toContain('secret@');
    const store = 's3://bucket?endpoint=http://10.0.0.1:9000';
    expect(failure({ store }, host()).kind).toBe('config');
    expect(loadConfig({ store, insecure: true }, host()).insecure).toBe(true);
  });
});

test('a missing home is said so, unless the data folder is named', () => {
  const error = failure({}, host({ home: '' }));
  expect([error.code, error.kind]).toEqual(['directory_unusable', 'local']);
  expect(error.hint).toContain('HOME');
  expect(loadConfig({}, host({ home: '', env: { XDG_DATA_HOME: '/data' } })).dataRoot).toBe('/data/holdfast');
});

test('names come from the settings, the environment, or the folder', () => {
  expect(loadConfig({}, host())).toMatchObject({
    vaultName: 'vault',
    machineName: null,
    stateDir: 'state',
    holdingDir: '_restore',
  });
  writeFileSync(
    join(vault, 'holdfast.json'),
    '{ "vaultName": "Notes", "machineName": "desk", "holdingDir": "./back/" }',
  );
  expect(loadConfig({}, host())).toMatchObject({ vaultName: 'Notes', machineName: 'desk', holdingDir: 'back' });
  expect(loadConfig({}, host({ env: { HOLDFAST_MACHINE: 'lap' } })).machineName).toBe('lap');
});
