import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCliVault, type CliVault } from '../support/cli-vault.ts';

function openVault(hooks: object, contents: Readonly<Record<string, string>> = {}): CliVault {
  const vault = openCliVault({ note: 'a note\n', ...contents, 'holdfast.json': JSON.stringify({ hooks }) });
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

const sh = (script: string) => ({ run: ['sh', '-c', script] });

describe('hooks', () => {
  test('a vault that came from elsewhere runs nothing before its commands were approved here', async () => {
    const vault = openVault({ preSnapshot: [sh('touch "$HOME/owned"')], postSnapshot: [sh('touch "$HOME/owned"')] });
    const first = await vault.run(['snapshot']);
    expect(first.code).toBe(0);
    expect(first.err).toContain('1 of hooks.preSnapshot not run: not approved on this machine');
    expect(first.err).toContain('holdfast hooks trust');
    expect(existsSync(join(vault.home, 'owned'))).toBe(false);

    expect((await vault.json(['hooks'])).last['actions']).toMatchObject([{ trusted: false }, { trusted: false }]);
    expect((await vault.json(['hooks', 'trust'])).last['actions']).toMatchObject([
      { trusted: true },
      { trusted: true },
    ]);
    expect((await vault.run(['snapshot', 'x'])).err).toBe('');
    expect(existsSync(join(vault.home, 'owned'))).toBe(true);
  });

  test('an approval is of these words, in this vault: a changed command must be approved again', async () => {
    const vault = openVault({ preSnapshot: [sh('true')] });
    await vault.run(['hooks', 'trust']);
    const changed = { hooks: { preSnapshot: [sh('touch "$HOME/owned"')] } };
    writeFileSync(join(vault.root, 'holdfast.json'), JSON.stringify(changed));
    expect((await vault.run(['snapshot', 'x'])).err).toContain('not approved');
    // The same settings in another folder: a clone.
    vault.write({ '../clone/holdfast.json': JSON.stringify({ hooks: { preSnapshot: [sh('true')] } }) });
    const clone = await vault.run(['snapshot', 'x', '--vault', join(vault.folder, 'clone')]);
    expect(clone.err).toContain('not approved');
    expect((await vault.json(['hooks', 'forget'])).last).toMatchObject({ forgotten: 1 });
    expect(existsSync(join(vault.home, 'owned'))).toBe(false);
  });

  test('a script of the vault is approved with its bytes: a pull that changes it does not run', async () => {
    const vault = openVault({ preSnapshot: [{ run: ['sh', 'dump.sh'] }] }, { 'dump.sh': 'echo one > dumped\n' });
    await vault.run(['hooks', 'trust']);
    expect((await vault.run(['snapshot', 'x'])).err).toBe('');
    // What the hook wrote is in the very snapshot it ran before.
    expect((await vault.run(['cat', 'dumped'])).out).toBe('one\n');
    vault.write({ 'dump.sh': 'echo two > dumped\n' });
    expect((await vault.run(['snapshot', 'y'])).err).toContain('not approved');
    expect(readFileSync(join(vault.root, 'dumped'), 'utf8')).toBe('one\n');
  });

  test('a hook that fails or hangs is told and logged in private, and the snapshot is taken', async () => {
    const secret = { AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI-secret' };
    const vault = openVault({
      preSnapshot: [
        sh('echo "password $AWS_SECRET_ACCESS_KEY is wrong"; exit 3'),
        { run: ['sh', '-c', 'sleep 600'], timeout: '1s' },
        { run: ['no-such-program-anywhere'] },
      ],
    });
    await vault.run(['hooks', 'trust']);
    const done = await vault.run(['snapshot', 'x'], { env: secret });
    expect(done.code).toBe(0);
    expect(done.err).toContain('the hook sh (hooks.preSnapshot) ended with code 3');
    expect(done.err).toContain('was stopped after 1 s');
    expect(done.err).toContain('could not be started (ENOENT)');
    const log = readFileSync(join(vault.root, 'state/.holdfast/run/hooks.log'), 'utf8');
    expect(log).toContain('"sh": code 3');
    expect(log).toContain('password [redacted] is wrong');
    expect(log).not.toContain(secret.AWS_SECRET_ACCESS_KEY);
    expect((await vault.json(['list'])).lines.filter((line) => line['type'] !== 'result')).toHaveLength(1);
  });

  test('postSnapshot knows the snapshot; a holdfast inside a hook runs no hooks', async () => {
    const program = [process.execPath, join(import.meta.dirname, '../support/run-holdfast.ts')];
    const vault = openVault({
      postSnapshot: [
        sh('echo "$HOLDFAST_SNAPSHOT_ID $HOLDFAST_SNAPSHOT_WHERE $HOLDFAST_VAULT" > "$HOME/told"'),
        { run: [...program, 'snapshot', 'inner'] },
      ],
    });
    await vault.run(['hooks', 'trust']);
    expect((await vault.run(['snapshot', 'outer'])).err).toBe('');
    expect(readFileSync(join(vault.home, 'told'), 'utf8')).toMatch(new RegExp(`^\\S+-outer store ${vault.root}\n$`));
    const { lines } = await vault.json(['list']);
    expect(lines.flatMap((line) => line['label'] ?? [])).toEqual(['inner', 'outer']);
  });
});
