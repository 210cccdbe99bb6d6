/*
 * What the founding documents say must be seen to hold, each in its own words, through the real program.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CliVault, openCliVault } from '../support/cli-vault.ts';
import { manifestOf } from '../support/folder-manifest.ts';
import { startS3Server } from '../support/s3-server/start-s3-server.ts';

const notes = {
  'notes/plan.md': 'the plan\n',
  'untracked.txt': 'never committed\n',
  '.gitignore': 'state/\n_restore/\n',
};

function openVault(): CliVault {
  const vault = openCliVault(notes);
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

/** Bytes, modes and times of everything that is the user's. */
function live({ root }: CliVault): unknown {
  return [...manifestOf(root)]
    .filter(([path]) => !/^(?:state|_restore)\//.test(path))
    .map(([path, found]) => [path, { ...found, micros: String(found.micros) }]);
}

const indexOf = ({ root }: CliVault): readonly Readonly<Record<string, unknown>>[] =>
  readFileSync(join(root, 'state/log/snapshots.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const eventOf = (row: Readonly<Record<string, unknown>>): unknown =>
  typeof row['event'] === 'object' ? (row['event'] as Record<string, unknown>)['event'] : row['event'];

describe('the five verification statements', () => {
  test('snapshot writes row + prefix visible', async () => {
    const server = await startS3Server();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const vault = openVault();
    const env = {
      AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    };
    const store = server.storeUrl('notes');
    const taken = await vault.json(['snapshot', 'pre quorum rewrite', '--store', store], { env });
    expect([taken.code, taken.err]).toEqual([0, '']);
    const { id } = taken.last as { id: string };
    expect(id).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ-pre-quorum-rewrite/);
    expect(indexOf(vault).some((row) => eventOf(row) === 'snapshot' && JSON.stringify(row).includes(id))).toBe(true);
    expect(server.requests.some((request) => request.includes(`snapshots/${id}/snapshot.json`))).toBe(true);
    const list = await vault.run(['list', '--store', store], { env });
    expect(list.out).toContain(id);
  });

  test('restore exits 0 without touching live', async () => {
    const vault = openVault();
    await vault.run(['snapshot', 'one']);
    vault.write({ 'notes/plan.md': 'another plan\n' });
    const before = live(vault);
    const restored = await vault.run(['restore', 'one']);
    expect(restored.code).toBe(0);
    expect(live(vault)).toEqual(before);
    const [folder] = readdirSync(join(vault.root, '_restore')).filter((name) => !name.startsWith('.'));
    expect(readFileSync(join(vault.root, '_restore', folder!, 'notes/plan.md'), 'utf8')).toBe('the plan\n');
  });

  test('rollback of a bad id without --apply exits 1', async () => {
    const vault = openVault();
    await vault.run(['snapshot', 'one']);
    const before = live(vault);
    const refused = await vault.run(['rollback', '2020-01-01T00:00:00Z-no-such']);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('refused');
    expect(live(vault)).toEqual(before);
  });

  test('cold-copy row within 7 days', async () => {
    const vault = openVault();
    await vault.run(['snapshot', 'one']);
    const replica = `file://${join(vault.folder, 'cold')}`;
    expect((await vault.run(['replicate', 'configure', replica])).code).toBe(0);
    expect((await vault.run(['replicate', 'sync'])).code).toBe(0);
    const row = indexOf(vault).findLast((one) => eventOf(one) === 'replicate')!;
    expect(Date.now() - Date.parse(row['at'] as string)).toBeLessThan(7 * 24 * 3_600_000);
    rmSync(vault.data, { recursive: true });
    const restored = await vault.run(['restore', 'one', '--store', replica]);
    expect([restored.code, restored.err]).toEqual([0, '']);
  });

  test('versioning shown enabled with 30 d', async () => {
    const server = await startS3Server();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const vault = openVault();
    const env = {
      AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    };
    expect((await vault.run(['init', '--store', server.storeUrl('notes'), '--yes'], { env })).code).toBe(0);
    const found = await vault.run(['doctor', '--quick'], { env });
    expect(found.out).toContain('✓ versioning is on: overwritten bytes can be brought back');
    expect(found.out).toContain('✓ overwritten and deleted bytes stay for 30 days');
    expect(found.out).toContain('✓ no lifecycle rule deletes what is stored');
  });
});

describe('tests of the backup plan', () => {
  test('restore to temp dir → all files present and intact', async () => {
    const vault = openVault();
    await vault.run(['snapshot', 'one']);
    const drill = await vault.json(['drill']);
    expect(drill.last).toMatchObject({ passed: true });
  });

  test('simulate deletion → files restored from backup', async () => {
    const vault = openVault();
    await vault.run(['snapshot', 'one']);
    rmSync(join(vault.root, 'untracked.txt'));
    rmSync(join(vault.root, 'notes'), { recursive: true });
    const back = await vault.run(['rollback', 'one', '--apply', '--confirm-label=one']);
    expect(back.code).toBe(0);
    expect(readFileSync(join(vault.root, 'untracked.txt'), 'utf8')).toBe('never committed\n');
    expect(existsSync(join(vault.root, 'notes/plan.md'))).toBe(true);
  });

  test('restore <id> --validate-only dry run writes nothing', async () => {
    const vault = openVault();
    await vault.run(['snapshot', 'one']);
    expect((await vault.run(['restore', 'one', '--validate-only'])).code).toBe(0);
    expect(
      existsSync(join(vault.root, '_restore'))
        ? readdirSync(join(vault.root, '_restore')).filter((name) => !name.startsWith('.'))
        : [],
    ).toEqual([]);
  });

  test('missing key → refuse with that exact instruction', async () => {
    const vault = openVault();
    const key = createHash('sha256').update('a key of this test').digest('hex');
    const made = await vault.run(['init', '--encrypt', '--yes'], { env: { HOLDFAST_KEY: key } });
    expect([made.code, made.err]).toEqual([0, '']);
    expect((await vault.run(['snapshot', 'one'], { env: { HOLDFAST_KEY: key } })).code).toBe(0);
    const refused = await vault.run(['snapshot', 'two']);
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain('HOLDFAST_KEY');
  });
});
