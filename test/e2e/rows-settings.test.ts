import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCliVault, type CliVault } from '../support/cli-vault.ts';
import { manifestOf } from '../support/manifest.ts';
import { withRightSum } from '../support/right-sum.ts';

function openVault(contents: Parameters<typeof openCliVault>[0] = { note: 'a note\n' }): CliVault {
  const vault = openCliVault(contents);
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

describe('G01: settings that are wrong', () => {
  test.each([
    ['bad syntax', '{\n  "store": \n}', 3, /not valid JSON: value expected/],
    ['an unknown key', '{\n  "captur": {}\n}', 2, /"captur" \(did you mean\s+"capture"\?\)/],
    ['an unknown inner key', '{\n\n "capture": { "chunksAbove": "8MiB" } }', 3, /"capture\.chunkAbove"/],
    ['a wrong type', '{\n  "live": "yes"\n}', 2, /"live" must be true or false/],
    ['no settings at all', '[]', 1, /braces/],
  ])('%s: file, line and what is right are named', async (_what, text, line, says) => {
    const vault = openVault({ note: 'x', 'holdfast.json': text });
    const { code, err } = await vault.run(['snapshot']);
    expect(code).toBe(2);
    expect(err).toContain('holdfast.json');
    expect(err).toMatch(says);
    expect(err).toContain(`line ${line}`);
    expect([...manifestOf(vault.root).keys()].sort()).toEqual(['holdfast.json', 'note']);
  });
});

describe('G02: a holding directory that git would see', () => {
  test('un-ignored by a later rule, or tracked: refused with the line to add, nothing restored', async () => {
    const vault = openVault();
    vault.git('init', '-q');
    expect(await vault.run(['snapshot', 'x'])).toMatchObject({ code: 0 });
    vault.write({ '_restore/.gitignore': '!*\n' });
    const shown = await vault.run(['restore', '--all']);
    expect(shown.code).toBe(1);
    expect(shown.err).toContain('refused:');
    expect(shown.err).toContain('/_restore/');
    vault.write({ '_restore/.gitignore': '*\n', '_restore/old': 'tracked\n' });
    vault.git('add', '-f', '_restore/old');
    const tracked = await vault.run(['restore', '--all']);
    expect(tracked.code).toBe(1);
    expect(tracked.err).toContain('git rm -r --cached _restore');
    const found = [...manifestOf(join(vault.root, '_restore')).keys()].sort();
    expect(found).toEqual(['.gitignore', 'old']);
  });
});

describe('G03: a holding directory that is no place for one', () => {
  test.each(['.', '../elsewhere', '.GIT/x', '/tmp/x', 'state/.holdfast'])(
    '%j is refused with 2',
    async (holdingDir) => {
      const vault = openVault({ note: 'x', 'holdfast.json': JSON.stringify({ holdingDir }) });
      const { code, err } = await vault.run(['restore', '--all']);
      expect(code).toBe(2);
      expect(err).toContain('"holdingDir"');
    },
  );
});

describe('G04: a store of another vault', () => {
  test('is never written to, whatever the command', async () => {
    const first = openVault();
    const second = openVault();
    const store = join(first.folder, 'store');
    expect(await first.run(['snapshot', 'x', '--store', store])).toMatchObject({ code: 0 });
    const before = manifestOf(store);
    for (const args of [['snapshot', 'mine'], ['list'], ['restore', '--all'], ['reindex'], ['init', '--yes']]) {
      const { code, err } = await second.run([...args, '--store', store]);
      const isWriting = ['snapshot', 'init', 'reindex'].includes(args[0]!);
      expect([args[0], code]).toEqual([args[0], isWriting ? 2 : 0]);
      expect(err.includes('belongs to another vault')).toBe(isWriting);
    }
    expect(manifestOf(store)).toEqual(before);
    expect((await second.json(['list'])).lines.filter((line) => line['type'] === 'snapshot')).toEqual([]);
  });
});

describe('G06: labels that cannot be one', () => {
  test.each([
    ['empty', ''],
    ['over 200 bytes', 'é'.repeat(101)],
    ['control bytes', 'a\u001b[2Jb'],
    ['a line break', 'a\nb'],
    ['bidi override', 'a\u202eb'],
  ])('%s: the rule is said, nothing is stored', async (_what, label) => {
    const vault = openVault();
    const { code, out, err } = await vault.run(['snapshot', '--', label]);
    expect(code).toBe(2);
    expect(err).toContain('1 to 200 bytes');
    expect(out + err).not.toMatch(/\u001b|\u202e/);
    expect([...manifestOf(vault.folder).keys()].filter((path) => path.includes('snapshots'))).toEqual([]);
  });

  test('200 bytes, a path, a flag and quotes are labels like any other, found by their exact bytes', async () => {
    const vault = openVault();
    for (const label of ['é'.repeat(100), '../../etc/passwd', '--all', `it's "quoted" $(x)`, 'LATEST']) {
      expect(await vault.run(['snapshot', '--', label])).toMatchObject({ code: 0 });
      const found = await vault.json(['ls', '--', '.', label]);
      expect(found).toMatchObject({ code: 0 });
    }
    const listed = await vault.json(['list']);
    expect(listed.lines.filter((line) => line['label'] === '../../etc/passwd')).toHaveLength(1);
    expect([...manifestOf(vault.folder).keys()].filter((path) => path.includes('passwd'))).not.toContain('etc/passwd');
  });
});

describe('G07: plain http', () => {
  const url = 's3://bucket/x?endpoint=http://s3.example.com';

  test('to another machine is refused with 2, and no request is made', async () => {
    const vault = openVault();
    for (const [args, env] of [
      [['snapshot', '--store', url], {}],
      [['snapshot'], { HOLDFAST_STORE: url }],
      [['init', '--yes', '--store', url], {}],
    ] as const) {
      const { code, err } = await vault.run(args, { env });
      expect(code).toBe(2);
      expect(err).toContain('--insecure');
    }
  });
});

describe('Q17: places that cannot be used', () => {
  test('no home at all: named, unless the data folder is', async () => {
    const vault = openVault();
    // An empty HOME is no home; a missing one is looked up in the user table.
    const without = await vault.run(['snapshot'], { env: { HOME: '', XDG_DATA_HOME: undefined } });
    expect([2, 9]).toContain(without.code);
    expect(without.err).toContain('HOME');
    expect(await vault.run(['snapshot'], { env: { HOME: '' } })).toMatchObject({ code: 0 });
  });

  test('a home that is missing is made; a temporary folder that is missing is not needed', async () => {
    const vault = openVault();
    const env = { HOME: join(vault.folder, 'new home'), XDG_DATA_HOME: undefined, TMPDIR: '/nonexistent' };
    expect(await vault.run(['snapshot'], { env })).toMatchObject({ code: 0 });
    expect(await vault.run(['restore', '--all'], { env })).toMatchObject({ code: 0 });
  });

  test('a home that cannot be written: 9 and its name; the store elsewhere does not need it', async () => {
    const vault = openVault();
    vault.giveToNobody();
    const env = { HOME: '/proc', XDG_DATA_HOME: undefined };
    const { code, err } = await vault.run(['snapshot'], { env, asNobody: true });
    expect(code).toBe(9);
    expect(err).toContain('/proc/.local');
  });

  test('private state or holding directory behind a symlink: 9, and nothing written through it', async () => {
    const vault = openVault();
    const elsewhere = join(vault.folder, 'elsewhere');
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(vault.root, 'state'));
    const { code, err } = await vault.run(['snapshot']);
    expect(code).toBe(9);
    expect(err).toContain('is a symbolic link');
    const other = openVault();
    expect(await other.run(['snapshot'])).toMatchObject({ code: 0 });
    symlinkSync(elsewhere, join(other.root, '_restore'));
    const restored = await other.run(['restore', '--all']);
    expect(restored.code).toBe(9);
    expect(restored.err).toContain('is a link');
    expect(manifestOf(elsewhere).size).toBe(0);
  });
});

describe('Q18: written by a newer holdfast', () => {
  test('settings: 2, left as they are', async () => {
    const text = '{ "format": 2, "somethingNew": true }';
    const vault = openVault({ note: 'x', 'holdfast.json': text });
    const { code, err } = await vault.run(['snapshot']);
    expect(code).toBe(2);
    expect(err).toMatch(/newer holdfast/);
    expect(readFileSync(join(vault.root, 'holdfast.json'), 'utf8')).toBe(text);
  });

  test('the store: 2, says to update, nothing written, by whatever command that needs to know it', async () => {
    const vault = openVault();
    const store = join(vault.folder, 'store');
    expect(await vault.run(['snapshot', 'x', '--store', store])).toMatchObject({ code: 0 });
    const header = join(store, 'holdfast.json');
    writeFileSync(header, withRightSum(readFileSync(header, 'utf8').replace('"format": 1', '"format": 2')));
    const before = manifestOf(store);
    // What was seen half a day ago at most is not asked again.
    rmSync(join(vault.root, 'state/.holdfast/cache'), { recursive: true });
    for (const args of [['snapshot', 'y'], ['verify'], ['init', '--yes'], ['prune', '--apply']]) {
      const { code, err } = await vault.run([...args, '--store', store]);
      expect([args[0], code, err]).toEqual([args[0], 2, expect.stringMatching(/newer/)]);
    }
    expect(manifestOf(store)).toEqual(before);
  });

  test('one record: 2 from whatever has to read it; protecting goes on, and the record is left alone', async () => {
    const vault = openVault();
    const store = join(vault.folder, 'store');
    const at = ['--store', store];
    await vault.run(['snapshot', 'x', ...at]);
    const newer = (await vault.json(['snapshot', 'y', ...at])).last['id'] as string;
    const record = join(store, 'snapshots', newer.replaceAll(':', '-'), 'snapshot.json');
    writeFileSync(record, withRightSum(readFileSync(record, 'utf8').replace('"format": 1', '"format": 99')));
    const before = readFileSync(record, 'utf8');
    rmSync(join(vault.root, 'state/.holdfast/cache'), { recursive: true });
    for (const args of [['list'], ['verify'], ['ls', '.', newer], ['reindex'], ['prune'], ['prune', '--apply']]) {
      const { code, err } = await vault.run([...args, ...at]);
      expect([args[0], code, err]).toEqual([args[0], 2, expect.stringMatching(/needs a holdfast that reads/)]);
    }
    expect((await vault.run(['snapshot', 'z', ...at])).code).toBe(0);
    expect(readFileSync(record, 'utf8')).toBe(before);
  });
});

describe('C06: restore as of a time', () => {
  test('says which point it chose; before the first, 4 and the nearest; no such time, 2', async () => {
    const vault = openVault();
    const taken = await vault.json(['snapshot', 'only']);
    const id = taken.last['id'] as string;
    const chosen = await vault.run(['restore', '--all', 'now']);
    expect(chosen).toMatchObject({ code: 0 });
    expect(chosen.out).toContain(`from ${id}`);
    const early = await vault.run(['restore', '--all', '2001-01-01']);
    expect(early.code).toBe(4);
    expect(early.err).toContain(id);
    for (const [when, says] of [
      ['2026-02-30', 'no such date'],
      ['2099-01-01', 'future'],
      ['2026-01-01T25:00', 'no such date or time'],
    ] as const) {
      const { code, err } = await vault.run(['restore', '--all', when]);
      expect([when, code]).toEqual([when, 2]);
      expect(err).toContain(says);
    }
    const skipped = await vault.run(['restore', '--all', '2026-03-29T02:30'], { env: { TZ: 'Europe/Berlin' } });
    expect(skipped).toMatchObject({ code: 2 });
    const unknown = await vault.run(['restore', '--all', 'onyl']);
    expect(unknown.code).toBe(4);
  });

  test('a label given twice is ambiguous: 2, and both ids are listed', async () => {
    const vault = openVault();
    const ids = [];
    for (let n = 0; n < 2; n++) ids.push((await vault.json(['snapshot', 'twin'])).last['id'] as string);
    const { code, err } = await vault.run(['restore', '--all', 'twin']);
    expect(code).toBe(2);
    for (const id of ids) expect(err).toContain(id);
  });
});
