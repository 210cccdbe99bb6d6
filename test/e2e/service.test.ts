import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openCliVault } from '../support/cli-vault.ts';

test('service install --print shows what would be installed, without secrets, and installs nothing', async () => {
  const vault = openCliVault({ note: 'x' });
  onTestFinished(() => vault[Symbol.dispose]());
  const env = { AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI-secret', HOLDFAST_KEY: 'a passphrase', AWS_PROFILE: 'backup' };
  const { last } = await vault.json(['service', 'install', '--print'], { env });
  expect(last).toMatchObject({ manager: 'systemd', exit_code: 0 });
  const text = String(last['text']);
  expect(text).toContain(`"watch" "--vault" "${vault.root}"`);
  expect(text).toContain('AWS_PROFILE=backup');
  expect(text).not.toMatch(/secret|passphrase/);
  expect(existsSync(join(vault.home, '.config/systemd'))).toBe(false);
  expect(readdirSync(vault.root)).toEqual(['note']);
});

test('Q11: where there is no service manager, install ends 9 and says what to do; uninstall works and can be repeated', async () => {
  const vault = openCliVault({ note: 'x' });
  onTestFinished(() => vault[Symbol.dispose]());
  // A PATH without systemctl.
  const env = { PATH: join(vault.folder, 'nothing') };
  const installed = await vault.run(['service', 'install'], { env });
  expect(installed.code).toBe(9);
  expect(installed.err).toContain('systemctl --user daemon-reload');
  const [unit] = readdirSync(join(vault.home, '.config/systemd/user'));
  expect(unit).toMatch(/^holdfast-[0-9a-f]{16}\.service$/);
  expect((await vault.json(['service', 'status'], { env })).last).toMatchObject({
    installed: true,
    running: false,
    exit_code: 3,
  });
  expect((await vault.json(['service', 'uninstall'], { env })).last).toMatchObject({
    was_installed: true,
    exit_code: 0,
  });
  expect((await vault.json(['service', 'uninstall'], { env })).last).toMatchObject({
    was_installed: false,
    exit_code: 0,
  });
});
