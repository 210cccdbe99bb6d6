import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCliVault, type CliVault } from '../support/cli-vault.ts';
import { manifestOf } from '../support/manifest.ts';

const label = 'before the big rewrite';

function openVault(): CliVault {
  const vault = openCliVault({
    'notes/plan.md': 'the plan',
    'notes/old.md': 'old',
    '.gitignore': '*.log\n',
    'a.log': 'log',
  });
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

function change(vault: CliVault): void {
  vault.write({ 'notes/plan.md': 'another plan', 'notes/new.md': 'new' });
  rmSync(join(vault.root, 'notes/old.md'));
}

/** All live files and everything of git's: bytes, modes, times, inodes. */
function touchedBy({ root }: CliVault): string {
  return JSON.stringify([...manifestOf(root, (path) => /^(?:state|_restore)$/.test(path))], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

const read = (vault: CliVault, path: string): string => readFileSync(join(vault.root, path), 'utf8');

describe('holdfast rollback refuses (G09, X03, P4)', () => {
  test('without --apply, with the plan and the exact command', async () => {
    const vault = openVault();
    vault.git('init', '-q');
    await vault.run(['snapshot', label]);
    change(vault);
    const before = touchedBy(vault);
    const refused = await vault.run(['rollback', label]);
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('  would change 1 file, bring back 1, set aside 1 ');
    expect(refused.out).toContain('    - notes/new.md\n    + notes/old.md\n    ~ notes/plan.md\n');
    expect(refused.err).toBe(
      'refused: rollback changes live files. Re-run with --apply --confirm-label="before the big rewrite"\n',
    );
    const asJson = await vault.json(['rollback', label]);
    expect(asJson.last).toMatchObject({ type: 'error', error: 'not_applied', exit_code: 1, data: { label } });
    expect(asJson.lines.find(({ type }) => type === 'plan')).toMatchObject({
      changed: 1,
      brought_back: 1,
      set_aside: 1,
    });
    expect((await vault.run(['rollback', label, '--dry-run'])).code).toBe(0);
    expect(touchedBy(vault)).toBe(before);
  });

  test.each(['before the big rewrit', 'Before the big rewrite', 'before the big rewrite ', 'y'])(
    'with the label %j',
    async (given) => {
      const vault = openVault();
      await vault.run(['snapshot', label]);
      change(vault);
      const before = touchedBy(vault);
      const refused = await vault.run(['rollback', label, '--apply', `--confirm-label=${given}`]);
      expect(refused).toMatchObject({
        code: 1,
        err: `refused: --confirm-label "${given}" does not match snapshot label "${label}".\n`,
      });
      expect(touchedBy(vault)).toBe(before);
    },
  );

  test('with an id that does not exist: 1, and 4 with --apply', async () => {
    const vault = openVault();
    await vault.run(['snapshot', label]);
    const before = touchedBy(vault);
    const id = '2020-01-01T00:00:00Z-nothing';
    const plain = await vault.run(['rollback', id]);
    expect(plain.code).toBe(1);
    expect(plain.err.split('\n')[0]).toBe(`refused: no snapshot "${id}".`);
    const applied = await vault.run(['rollback', id, '--apply', '--confirm-label=x']);
    expect(applied.code).toBe(4);
    expect(applied.err.split('\n')[0]).toBe(`refused: no snapshot "${id}".`);
    expect(touchedBy(vault)).toBe(before);
  });

  test('with a label that two snapshots have, and asks for the id (X03)', async () => {
    const vault = openVault();
    await vault.run(['snapshot', label]);
    change(vault);
    await vault.run(['snapshot', label]);
    const before = touchedBy(vault);
    const refused = await vault.json(['rollback', label, '--apply', `--confirm-label=${label}`]);
    expect(refused.last).toMatchObject({ error: 'label_ambiguous', exit_code: 1 });
    const { matches } = refused.last['data'] as { matches: string[] };
    expect(matches).toHaveLength(2);
    expect(touchedBy(vault)).toBe(before);
    expect((await vault.run(['rollback', matches[1]!, '--apply', `--confirm-label=${label}`])).code).toBe(0);
    expect(read(vault, 'notes/plan.md')).toBe('the plan');
  });

  test('to a time before the first snapshot (C06), and says which one a time chose', async () => {
    const vault = openVault();
    await vault.run(['snapshot', label]);
    const before = touchedBy(vault);
    const early = await vault.run(['rollback', '2001-01-01T00:00:00Z']);
    expect(early.code).toBe(1);
    expect(early.err).toContain('To take the oldest:');
    const chosen = await vault.run(['rollback', '1s', '--dry-run']);
    expect(chosen.out + chosen.err).toContain('-before-the-big-rewrite');
    expect(touchedBy(vault)).toBe(before);
  });

  test.each([
    [[], 'rollback needs a restore point to go back to.'],
    [['latest', '--undo'], 'rollback takes one of: a restore point, --undo, --resume, --abort.'],
    [['--resume', '--abort'], 'rollback takes one of: a restore point, --undo, --resume, --abort.'],
  ])('the words %j (2)', async (words, message) => {
    const vault = openVault();
    const refused = await vault.run(['rollback', ...words]);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain(message);
  });
});

describe('holdfast rollback --apply', () => {
  test('goes back, keeps what it set aside, and is undone', async () => {
    const vault = openVault();
    vault.git('init', '-q');
    vault.git('add', '.');
    vault.git('commit', '-qm', 'first');
    await vault.run(['snapshot', label]);
    change(vault);
    const done = await vault.json(['rollback', label, '--apply', `--confirm-label=${label}`]);
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.last).toMatchObject({ outcome: 'done', changed: 1, brought_back: 1, set_aside: 1, exit_code: 0 });
    expect(read(vault, 'notes/plan.md')).toBe('the plan');
    expect(read(vault, 'notes/old.md')).toBe('old');
    expect(read(vault, 'a.log')).toBe('log');
    expect(existsSync(join(vault.root, 'notes/new.md'))).toBe(false);
    const kept = String(done.last['kept_in']);
    expect(read(vault, `_restore/${kept}/set-aside/notes/new.md`)).toBe('new');
    expect(vault.git('status', '--porcelain', '--untracked-files=all')).not.toContain('_restore');

    const refused = await vault.json(['rollback', '--undo']);
    expect(refused.last).toMatchObject({ error: 'not_applied', exit_code: 1 });
    const { label: safetyLabel } = refused.last['data'] as { label: string };
    expect(safetyLabel).toMatch(/^pre-rollback-.*-before-the-big-rewrite$/);
    const undone = await vault.run(['rollback', '--undo', '--apply', `--confirm-label=${safetyLabel}`]);
    expect(undone.code).toBe(0);
    expect(undone.out).toContain('undo with:  holdfast rollback --undo');
    expect(read(vault, 'notes/plan.md')).toBe('another plan');
    expect(read(vault, 'notes/new.md')).toBe('new');
    expect((await vault.run(['verify', '--full'])).code).toBe(0);
  });

  test('names what it leaves: 3', async () => {
    const vault = openVault();
    vault.write({ '.gitignore': '' });
    await vault.run(['snapshot', label]);
    vault.write({ '.gitignore': '*.log\n', 'a.log': 'another log' });
    const done = await vault.run(['rollback', label, '--apply', `--confirm-label=${label}`]);
    expect(done.code).toBe(3);
    expect(done.err).toContain('a.log: something there is not captured by holdfast');
    expect(read(vault, 'a.log')).toBe('another log');
  });

  test('works in folders without the right to write, as an ordinary user', async () => {
    const vault = openVault();
    mkdirSync(join(vault.root, 'shut'));
    vault.write({ 'shut/file': 'then' });
    chmodSync(join(vault.root, 'shut/file'), 0o444);
    chmodSync(join(vault.root, 'shut'), 0o555);
    vault.giveToNobody();
    await vault.run(['snapshot', label], { asNobody: true });
    chmodSync(join(vault.root, 'shut'), 0o755);
    rmSync(join(vault.root, 'shut/file'));
    vault.write({ 'shut/other': 'now' });
    chmodSync(join(vault.root, 'shut'), 0o500);
    vault.giveToNobody();
    const done = await vault.run(['rollback', label, '--apply', `--confirm-label=${label}`], { asNobody: true });
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(read(vault, 'shut/file')).toBe('then');
    expect(manifestOf(vault.root).get('shut')!.mode & 0o777).toBe(0o555);
  });

  test('leaves a folder that an ordinary user cannot read as it is (F13)', async () => {
    const vault = openVault();
    vault.write({ 'shut/file': 'then' });
    vault.giveToNobody();
    await vault.run(['snapshot', label], { asNobody: true });
    change(vault);
    chmodSync(join(vault.root, 'shut'), 0o000);
    vault.giveToNobody();
    const done = await vault.run(['rollback', label, '--apply', `--confirm-label=${label}`], { asNobody: true });
    expect(done.code).toBe(3);
    expect(done.err).toContain('shut: permission denied');
    chmodSync(join(vault.root, 'shut'), 0o700);
    expect(read(vault, 'shut/file')).toBe('then');
    expect(read(vault, 'notes/plan.md')).toBe('the plan');
  });

  test('killed half way: 11 until it is resumed or aborted (Q01, Q02)', async () => {
    const vault = openVault();
    await vault.run(['snapshot', label]);
    change(vault);
    // What a killed rollback leaves: a whole journal, and nothing moved yet.
    const stopped = await vault.run(['rollback', label, '--apply', `--confirm-label=${label}`], {
      env: { NODE_OPTIONS: `--import=${dieAfterJournal(vault)}` },
    });
    expect(stopped.signal).toBe('SIGKILL');
    const refused = await vault.run(['snapshot', 'another']);
    expect(refused.code).toBe(11);
    expect(refused.err).toContain('holdfast rollback --resume');
    expect(refused.err).toContain('holdfast rollback --abort');
    expect((await vault.run(['rollback', label])).code).toBe(11);
    expect((await vault.run(['list'])).code).toBe(0);
    expect((await vault.run(['status'])).out).toContain('a rollback was interrupted and is half done');
    expect((await vault.run(['rollback', '--resume'])).code).toBe(0);
    expect(read(vault, 'notes/plan.md')).toBe('the plan');
    expect((await vault.run(['rollback', '--resume'])).code).toBe(4);
    expect((await vault.run(['snapshot', 'another'])).code).toBe(0);
  });
});

/** A module that kills the process right after the journal of a rollback got its final name. */
function dieAfterJournal({ folder }: CliVault): string {
  const path = join(folder, 'die.mjs');
  writeFileSync(
    path,
    `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const rename = fs.renameSync;
fs.renameSync = (from, to) => {
  rename(from, to);
  if (String(to).endsWith('rollback.ndjson')) process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
`,
  );
  return path;
}
