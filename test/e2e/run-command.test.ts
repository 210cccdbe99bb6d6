import { mkdirSync, readdirSync, readFileSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCliVault, endOf, type CliVault } from '../support/cli-vault.ts';

function openVault(): CliVault {
  const vault = openCliVault({ note: 'a note\n', 'old.md': 'old\n' });
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

/** A script for `sh`, as an agent that works on the vault would be. */
const sh = (script: string): string[] => ['run', '--', 'sh', '-c', script];

describe('holdfast run', () => {
  test('keeps what was before, shows what changed on stderr, and leaves stdout to the command', async () => {
    const vault = openVault();
    const done = await vault.run(sh('echo changed > note; rm old.md; echo new > new.md; echo from the command'));
    expect(done.code).toBe(0);
    expect(done.out).toBe('from the command\n');
    expect(done.err).toMatch(/M\tnote\n/);
    expect(done.err).toMatch(/D\told\.md\n/);
    expect(done.err).toMatch(/A\tnew\.md\n/);
    expect(done.err).toMatch(/1 changed, 1 added, 1 removed; see it again with: holdfast diff \S+ \S+/);
    const { last } = await vault.json(['list']);
    expect(last).toMatchObject({ exit_code: 0 });
    const cat = await vault.run(['cat', 'old.md', 'latest~1']);
    expect([cat.code, cat.out]).toEqual([0, 'old\n']);
  });

  test('passes the exit code through, also of a command that a signal ended', async () => {
    const vault = openVault();
    expect((await vault.run(sh('exit 42'))).code).toBe(42);
    expect((await vault.run(sh('kill -KILL $$'))).code).toBe(137);
    const missing = await vault.run(['run', '--', 'no-such-program-anywhere']);
    expect(missing.code).toBe(127);
    expect(missing.err).toMatch(/was not run: there is no such program/);
  });

  test('with --label both sides have a name; a command that changed nothing is told so', async () => {
    const vault = openVault();
    const done = await vault.run(['run', '--label', 'agent 12', '--', 'true']);
    expect(done.code).toBe(0);
    const { lines } = await vault.json(['list']);
    const labels = lines.flatMap((line) => (typeof line['label'] === 'string' ? [line['label']] : []));
    expect(labels).toEqual(['after agent 12', 'before agent 12']);
    expect((await vault.run(['run', '--', 'true'])).err).toContain('The command changed nothing.');
  });

  test('with --json stdout is JSON alone: rows of what changed and both codes', async () => {
    const vault = openVault();
    const done = await vault.run(['run', '--json', '--', 'sh', '-c', 'echo noise; echo x > note; exit 3']);
    const lines = done.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(done.code).toBe(3);
    expect(done.err).toContain('noise');
    expect(lines.find((line) => line['type'] === 'change')).toMatchObject({ path: 'note', status: 'changed' });
    expect(lines.at(-1)).toMatchObject({ command: 'run', command_exit_code: 3, changed: 1, exit_code: 3 });
  });

  test('does not run the command where not even the private state can be kept', async () => {
    const vault = openVault();
    // A file in the place of the private state: nothing can be captured.
    mkdirSync(join(vault.root, 'state'));
    writeFileSync(join(vault.root, 'state/.holdfast'), '');
    const refused = await vault.run(sh('touch ran'));
    expect(refused.code).toBe(9);
    expect(readdirSync(vault.root)).not.toContain('ran');
  });

  test('--anyway runs it although there is no snapshot to go back to; 0 is not the end then', async () => {
    const vault = openVault();
    const store = join(vault.folder, 'store');
    await vault.run(['snapshot', '--store', store]);
    // The store lost what this machine has seen in it: no snapshot can build on that.
    rmSync(join(store, 'snapshots'), { recursive: true });
    const refused = await vault.run(['run', '--store', store, '--', 'touch', 'ran']);
    expect([refused.code, refused.err]).toEqual([7, expect.stringContaining('The command was not run.')]);
    expect(readdirSync(vault.root)).not.toContain('ran');
    const anyway = await vault.run(['run', '--store', store, '--anyway', '--', 'touch', 'ran']);
    expect(anyway.err).toContain('Running the command anyway');
    expect(readdirSync(vault.root)).toContain('ran');
    expect(anyway.code).toBe(7);
  });

  test('Q10: SIGTERM goes to the command; what it had done by then is kept, and its end is the code', async () => {
    const vault = openVault();
    const script =
      'trap "echo stopped >> note; exit 7" TERM; echo began > note; echo ready; while :; do sleep 0.05; done';
    const child = vault.start(sh(script));
    const ended = endOf(child);
    await new Promise<void>((resolve) => child.stdout!.once('data', () => resolve()));
    child.kill('SIGTERM');
    const done = await ended;
    expect(done.code).toBe(7);
    expect(readFileSync(join(vault.root, 'note'), 'utf8')).toBe('began\nstopped\n');
    const kept = await vault.run(['cat', 'note']);
    expect(kept.out).toBe('began\nstopped\n');
  });
});
