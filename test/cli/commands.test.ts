import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSession } from '../../src/app/compose.ts';
import { runCommand, type Services } from '../../src/cli/run.ts';
import { topicNames } from '../../src/cli/topic-names.ts';
import { topics } from '../../src/cli/topics.ts';
import { displayWidth } from '../../src/format/text-width.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import { fakeIo, type FakeIo, type FakeIoOptions } from './fake-io.ts';

let folder: string;
let vault: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-commands-')));
  vault = join(folder, 'vault');
  mkdirSync(join(folder, 'home'));
  mkdirSync(join(vault, 'node_modules'), { recursive: true });
  writeFileSync(join(vault, 'plan.md'), 'the plan\n');
  writeFileSync(join(vault, '.gitignore'), 'node_modules/\n');
  writeFileSync(join(vault, '.env'), 'TOKEN=1\n');
  writeFileSync(join(vault, 'node_modules', 'big.js'), Buffer.alloc(412_000));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly io: FakeIo;
}

async function run(argv: readonly string[], options: FakeIoOptions & Partial<Services> = {}): Promise<Ran> {
  const { openSession: open, ...rest } = options;
  const io = fakeIo({ cwd: vault, home: join(folder, 'home'), ...rest });
  // Snapshots carry the machine's real time.
  const code = await runCommand(
    argv,
    { ...io, now: () => new Date() },
    open === undefined ? {} : { openSession: open },
  );
  return { code, io };
}

async function resultOf(argv: readonly string[], options: FakeIoOptions & Partial<Services> = {}) {
  const { code, io } = await run([...argv, '--json'], options);
  const result = io.json().at(-1)!;
  expect([result['schema'], result['exit_code']]).toEqual([1, code]);
  return result;
}

/** A store that takes nothing. */
const brokenStore: Services['openSession'] = async (config, host, options) => {
  const session = await openSession(config, host, options);
  const fail = async () => {
    throw new HoldfastError('storage_unavailable', 'The store does not answer.', { hint: 'Try later.' });
  };
  return {
    ...session,
    storage: Object.create(session.storage, { putIfAbsent: { value: fail } }) as typeof session.storage,
  };
};

describe('snapshot', () => {
  test('says what it took, what it left out, and what it cost', async () => {
    const { code, io } = await run(['snapshot', 'before the big rewrite']);
    expect(code).toBe(0);
    expect(io.complained()).toBe('');
    expect(io.printed()).toMatch(
      /^ {2}holding nothing back: 2 files, 23 B · not protected: \.env \(secret\), node_modules\/ \(412 kB, \.gitignore\)\n {2}● \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ-before-the-big-rewrite {3}\+2 ~0 -0 {3}\d+(?:\.\d)? k?B new {3}\d\.\d s {3}\d+ requests\n$/,
    );
  });

  test('on 40 columns and on 20 every line fits', async () => {
    for (const columns of [40, 20]) {
      const { io } = await run(['snapshot', `on ${columns} columns`], { columns, env: { NO_COLOR: '1' } });
      for (const line of io.printed().split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    }
  });

  test('has everything in its JSON', async () => {
    expect(await resultOf(['snapshot', 'first'])).toMatchObject({
      type: 'result',
      command: 'snapshot',
      outcome: 'taken',
      label: 'first',
      kind: 'manual',
      where: 'store',
      complete: true,
      files: 2,
      added: 2,
      problems: [],
      publish_error: null,
      not_protected: expect.arrayContaining([
        expect.objectContaining({ path: 'node_modules/', reason: 'gitignore', size_bytes: 412_000 }),
        expect.objectContaining({ path: '.env', reason: 'secret' }),
      ]) as unknown,
    });
  });

  test('unlabelled and unchanged stores nothing, and says so', async () => {
    const first = await resultOf(['snapshot']);
    expect(await resultOf(['snapshot'])).toMatchObject({ outcome: 'unchanged', id: first['id'] });
    const { io } = await run(['snapshot']);
    expect(io.printed()).toContain(`unchanged since ${String(first['id'])}`);
  });

  test.each(['', 'x'.repeat(201), 'line\nbreak', 'bell\u0007'])('a label like %j is refused', async (label) => {
    const { code, io } = await run(['snapshot', label]);
    expect([code, io.printed()]).toEqual([2, '']);
    expect(io.complained()).toContain('A label must be 1 to 200 bytes');
  });

  test('is never called saved while the store has not got it', async () => {
    const { code, io } = await run(['snapshot', 'offline'], { openSession: brokenStore });
    expect(code).toBe(5);
    expect(io.printed()).toContain('○');
    expect(io.complained()).toMatch(
      /local only: on this machine, not in the store yet\nerror: The store does not answer\./,
    );
    const result = await resultOf(['snapshot', 'still offline'], { openSession: brokenStore });
    expect(result).toMatchObject({ where: 'local', publish_error: { error: 'storage_unavailable' }, exit_code: 5 });
    expect((await run(['list'])).io.printed().match(/○.*local only/g)).toHaveLength(2);
    expect(await resultOf(['snapshot', 'online again'])).toMatchObject({ where: 'store' });
    expect((await run(['list'])).io.printed().match(/●/g)).toHaveLength(3);
  });

  test('takes secrets where asked to', async () => {
    expect(await resultOf(['snapshot', 'with secrets', '--allow-secrets'])).toMatchObject({ files: 3 });
  });
});

describe('list', () => {
  beforeEach(async () => {
    await run(['snapshot', 'alpha']);
    appendFileSync(join(vault, 'plan.md'), 'more\n');
    await run(['snapshot', 'beta one']);
    await run(['snapshot', 'beta two']);
  });

  test('shows the newest first, filtered and limited', async () => {
    const labels = async (...argv: string[]) => {
      const { io } = await run(['list', '--json', ...argv]);
      return io.json().flatMap((row) => (row['type'] === 'snapshot' ? [row['label']] : []));
    };
    expect(await labels()).toEqual(['beta two', 'beta one', 'alpha']);
    expect(await labels('-n', '1')).toEqual(['beta two']);
    expect(await labels('--label', 'BETA')).toEqual(['beta two', 'beta one']);
    expect(await labels('--kind', 'auto')).toEqual([]);
    expect(await labels('--since', '1h')).toHaveLength(3);
    expect(await labels('--until', '1 hour ago')).toEqual([]);
    expect(await labels('--machine', 'elsewhere')).toEqual([]);
    expect(await labels('--path', 'plan.md')).toEqual(['beta one', 'alpha']);
  });

  test('says what it does not show', async () => {
    expect((await run(['list', '-n', '2'])).io.printed()).toContain('and 1 older');
    expect((await run(['list', '--label', 'gamma'])).io.printed()).toContain('None of the 3 restore points match');
  });

  test.each([
    ['--since', 'whenever'],
    ['--since', '2026-02-30'],
    ['--limit', '0'],
    ['--kind', 'odd'],
  ])('%s %s is refused', async (flag, value) => {
    expect((await run(['list', flag, value])).code).toBe(2);
  });
});

test('status tells the colour, the reasons and what is not protected', async () => {
  await run(['snapshot', 'first']);
  const { code, io } = await run(['status']);
  expect(code).toBe(0);
  expect(io.printed()).toContain('● vault  safe');
  expect(io.printed()).toMatch(/not protected {2}\.env \(secret\), node_modules\/ \(412 kB, \.gitignore\)/);
  expect(await resultOf(['status'])).toMatchObject({
    colour: 'green',
    snapshots: 1,
    waiting: 0,
    latest: { label: 'first' },
  });
  for (const columns of [20, 40, 80]) {
    const narrow = await run(['status'], { columns, env: { NO_COLOR: '1' } });
    for (const line of narrow.io.printed().split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
  }
});

test('a bare call is status, with a way on for people', async () => {
  await run(['snapshot', 'first']);
  expect((await run([])).io.complained()).toBe('');
  const { io } = await run([], { columns: 80 });
  expect(io.printed()).toContain('safe');
  expect(io.complained()).toContain('holdfast help');
});

describe('verify', () => {
  test('finds a whole store whole', async () => {
    await run(['snapshot', 'first']);
    expect((await run(['verify'])).io.printed()).toMatch(/● whole: 1 snapshot, 1 pack read/);
    for (const flag of ['--quick', '--full', '--sample=50%']) {
      expect(await resultOf(['verify', flag])).toMatchObject({ passed: true, findings: [] });
    }
  });

  test.each([
    ['--sample', '0%'],
    ['--sample', 'some'],
    ['--quick', '--full'],
  ])('%s %s is refused', async (...flags) => {
    expect((await run(['verify', ...flags])).code).toBe(2);
  });
});

test('export writes a bundle and says how to open it', async () => {
  await run(['snapshot', 'first']);
  const result = await resultOf(['export']);
  expect(readFileSync(String(result['file'])).subarray(0, 15).toString()).toBe('# v2 git bundle');
  expect((await run(['export', 'first'])).io.printed()).toContain('git clone -b first');
  expect((await run(['export', 'second'])).code).toBe(4);
});

test('reindex rebuilds an index that was lost', async () => {
  await run(['snapshot', 'first']);
  rmSync(join(vault, 'state', 'log'), { recursive: true });
  expect((await run(['reindex'])).io.printed()).toContain('1 snapshot in the store');
  expect(await resultOf(['reindex'])).toMatchObject({ snapshots: 1, added: 0, invalid: [] });
});

describe('init', () => {
  test('needs somebody to ask, or flags', async () => {
    const { code, io } = await run(['init']);
    expect(code).toBe(2);
    expect(io.complained()).toContain('holdfast init --yes [--store URL]');
  });

  test('--yes shows what would be captured, writes the files, makes the store', async () => {
    mkdirSync(join(vault, '.git'));
    const store = join(folder, 'store');
    const { code, io } = await run(['init', '--yes', '--store', store, '--keep-all']);
    expect(io.complained()).toBe('');
    expect(code).toBe(0);
    expect(io.printed()).toMatch(/captures {7}2 files, 23 B/);
    expect(io.printed()).toContain('.env (secret)');
    expect(readFileSync(join(vault, 'holdfast.json'), 'utf8')).toContain(`"store": "file://${store}"`);
    expect(readFileSync(join(vault, 'holdfast.json'), 'utf8')).toContain('"retention": "all"');
    expect(readFileSync(join(vault, '.syncignore'), 'utf8')).toContain('# What holdfast leaves out');
    expect(readFileSync(join(vault, '.gitignore'), 'utf8')).toBe('node_modules/\n/_restore/\n');
    expect(readFileSync(join(store, 'holdfast.json'), 'utf8')).toContain('vaultId');
    expect(await resultOf(['snapshot', 'x'])).toMatchObject({ where: 'store' });
  });

  test('again changes nothing, and keeps what the person wrote', async () => {
    const mine = '{\n  // my own words\n  "vaultName": "Mine"\n}\n';
    writeFileSync(join(vault, 'holdfast.json'), mine);
    expect(await resultOf(['init', '--yes'])).toMatchObject({ applied: true, written: ['.syncignore'] });
    expect(await resultOf(['init', '--yes'])).toMatchObject({ applied: true, written: [] });
    expect(readFileSync(join(vault, 'holdfast.json'), 'utf8')).toBe(mine);
    await run(['init', '--yes', '--store', join(folder, 'other')]);
    const now = readFileSync(join(vault, 'holdfast.json'), 'utf8');
    expect(now).toContain('// my own words');
    expect(now).toContain(`"store": "file://${join(folder, 'other')}"`);
  });

  test('joins the store of another folder only with --adopt', async () => {
    const store = join(folder, 'store');
    await run(['init', '--yes', '--store', store]);
    const second = join(folder, 'second');
    mkdirSync(second);
    writeFileSync(join(second, 'a.md'), 'a');
    const refused = await run(['init', '--yes', '--store', store], { cwd: second });
    expect(refused.code).toBe(2);
    expect(refused.io.complained()).toContain('--adopt');
    expect((await run(['init', '--yes', '--store', store, '--adopt'], { cwd: second })).code).toBe(0);
    expect(await resultOf(['snapshot', 'from the second'], { cwd: second })).toMatchObject({ where: 'store' });
  });

  test('refuses a folder that is no vault', async () => {
    const { code, io } = await run(['init', '--yes'], { cwd: join(folder, 'home') });
    expect([code, io.complained().includes('home folder')]).toEqual([1, true]);
  });
});

test('help explains topics, in words and in JSON', async () => {
  expect(topics.map(({ name }) => name).toSorted()).toEqual(topicNames.toSorted());
  for (const topic of topicNames) {
    expect((await run(['help', topic])).io.printed().length).toBeGreaterThan(200);
    expect(await resultOf(['help', topic])).toMatchObject({ topic });
  }
  expect((await run(['help', 'setings'])).io.complained()).toContain('holdfast help settings');
  expect((await run(['--help'])).io.printed()).toContain('Usage: holdfast <command>');
});
