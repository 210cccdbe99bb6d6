import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/app/load-config.ts';
import { hasGitignoreLine, writeVaultFiles, type VaultFilesOptions } from '../../src/app/vault-files.ts';

let root: string;
let vault: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-files-')));
  vault = join(root, 'vault');
  mkdirSync(vault);
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function config() {
  return loadConfig(
    { vault },
    { env: {}, cwd: root, home: join(root, 'home'), platform: 'linux', now: () => new Date(0) },
  );
}

const write = (part: Partial<VaultFilesOptions> = {}) =>
  writeVaultFiles(config(), { store: null, keepAll: false, encrypted: false, gitignore: true, ...part });

const textOf = (name: string) => readFileSync(join(vault, name), 'utf8');

test('the settings written are settings that can be read', () => {
  expect(write()).toEqual(['holdfast.json', '.syncignore', '.gitignore']);
  expect(config()).toMatchObject({ storeFrom: 'default', retention: { daily: 30 } });
  expect(write()).toEqual([]);
});

describe('the line of .gitignore', () => {
  test.each([
    ['', '/_restore/\n'],
    ['dist', 'dist\n/_restore/\n'],
    ['dist\n', 'dist\n/_restore/\n'],
    ['_restore/\r\n', '_restore/\r\n'],
    ['/_restore\n', '/_restore\n'],
  ])('after %j', (before, after) => {
    writeFileSync(join(vault, '.gitignore'), before);
    write();
    expect(textOf('.gitignore')).toBe(after);
    expect(hasGitignoreLine(config())).toBe(true);
  });

  test('is never written through a link', () => {
    writeFileSync(join(root, 'shared'), 'theirs\n');
    symlinkSync(join(root, 'shared'), join(vault, '.gitignore'));
    expect(write()).not.toContain('.gitignore');
    expect(readFileSync(join(root, 'shared'), 'utf8')).toBe('theirs\n');
  });
});

test('a store is put into existing settings beside what is there, permissions kept', () => {
  writeFileSync(join(vault, 'holdfast.json'), '{\n  // mine\n  "live": true, // too\n}\n');
  chmodSync(join(vault, 'holdfast.json'), 0o640);
  expect(write({ store: 's3://bucket/notes', gitignore: false })).toEqual(['holdfast.json', '.syncignore']);
  expect(textOf('holdfast.json')).toContain('// mine');
  expect(config()).toMatchObject({ live: true, store: { kind: 's3', bucket: 'bucket' } });
  expect(statSync(join(vault, 'holdfast.json')).mode & 0o777).toBe(0o640);
});
