import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openServiceManager, type ServiceHost } from '../../../src/adapters/service/open-service-manager.ts';
import type { ProgramEnd } from '../../../src/ports/program-runner.ts';
import type { ServiceSpec } from '../../../src/ports/service-manager.ts';
import { scratchFolder } from '../../support/scratch.ts';

/** Every character that means something in one of the three formats. */
const oddName = `it's 100% "odd" $HOME \${x} %h <&> ü\\ ;#`;

function specIn(folder: string): ServiceSpec {
  const program = join(folder, oddName, 'node');
  return {
    id: 'f3a9c1d2e4b5a697',
    vaultName: `${oddName}\n[Service]\nExecStart=/bin/false`,
    words: [
      program,
      '--env-file-if-exists=/home/ada/.config/holdfast/x.env',
      'holdfast.js',
      'watch',
      '--vault',
      join(folder, oddName),
    ],
    env: { PATH: `/usr/bin:${oddName}` },
  };
}

interface Fake {
  readonly host: ServiceHost;
  readonly ran: (readonly string[])[];
}

function fakeHost(
  platform: NodeJS.Platform,
  answer: (words: readonly string[]) => Partial<ProgramEnd> = () => ({}),
): Fake {
  const ran: (readonly string[])[] = [];
  const home = scratchFolder();
  const done = { kind: 'done', exitCode: 0, reason: null, output: '', durationMs: 1 } as const;
  const programs: ServiceHost['programs'] = {
    run: async ({ words }) => {
      ran.push(words);
      return { ...done, ...answer(words) };
    },
  };
  return {
    ran,
    host: { platform, env: {}, home, uid: 501, user: 'DESK\\ada', dataRoot: join(home, 'data'), programs },
  };
}

describe('systemd', () => {
  test('systemd itself finds nothing wrong with the unit, whatever is in the paths', () => {
    const folder = scratchFolder();
    const spec = specIn(folder);
    mkdirSync(join(folder, oddName));
    writeFileSync(spec.words[0]!, '#!/bin/sh\n');
    chmodSync(spec.words[0]!, 0o755);
    const { text } = openServiceManager(fakeHost('linux').host).file(spec);
    const unit = join(folder, 'holdfast-test.service');
    writeFileSync(unit, text);
    // It names whatever it does not understand, a program that is not there above all.
    const said = execFileSync('systemd-analyze', ['--user', 'verify', unit], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_RUNTIME_DIR: folder },
    });
    expect(said).toBe('');
    expect(text.split('\n').filter((line) => line.startsWith('ExecStart='))).toHaveLength(1);
  });

  test('the text is this', () => {
    const spec = { id: 'abc', vaultName: 'notes', words: ['/usr/bin/node', 'a b', '%$"\\'], env: { PATH: '/bin' } };
    const { path, text } = openServiceManager({ ...fakeHost('linux').host, home: '/home/ada' }).file(spec);
    expect(path).toBe('/home/ada/.config/systemd/user/holdfast-abc.service');
    expect(text).toContain(
      '\nExecStart=/usr/bin/env -- "/usr/bin/node" "a b" "%%$$\\"\\\\"\nEnvironment="PATH=/bin"\nRestart=on-failure\n',
    );
    expect(text).toContain('RestartSec=10s\nRestartSteps=8\nRestartMaxDelaySec=15min\n');
  });

  test('installs, installs again, uninstalls, uninstalls again', async () => {
    const { host, ran } = fakeHost('linux');
    const manager = openServiceManager(host);
    const spec = specIn('/vaults');
    await manager.install(spec);
    await manager.install(spec);
    const { path } = manager.file(spec);
    expect(readFileSync(path, 'utf8')).toBe(manager.file(spec).text);
    const verbs = ran.map((words) => words.slice(3).join(' '));
    const unit = 'holdfast-f3a9c1d2e4b5a697.service';
    expect(verbs.slice(0, 3)).toEqual(['daemon-reload', `enable ${unit}`, `restart ${unit}`]);
    expect(await manager.uninstall(spec.id)).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(await manager.uninstall(spec.id)).toBe(false);
  });

  test('Q11: without a manager to talk to it says what to do, and can be taken away all the same', async () => {
    const output = 'Failed to connect to bus: No medium found\n';
    const { host } = fakeHost('linux', () => ({ kind: 'failed', exitCode: 1, output }));
    const manager = openServiceManager(host);
    const spec = specIn('/vaults');
    await expect(manager.install(spec)).rejects.toMatchObject({
      code: 'service_unavailable',
      message: 'systemctl --user cannot start the service: Failed to connect to bus: No medium found.',
      hint: expect.stringContaining('loginctl enable-linger') as string,
    });
    expect(await manager.state(spec.id)).toMatchObject({ isInstalled: true, isRunning: false });
    expect(await manager.uninstall(spec.id)).toBe(true);
  });

  test('tells how it does', async () => {
    const output = 'ActiveState=active\nSubState=running\nUnitFileState=enabled\nNRestarts=2\n';
    const manager = openServiceManager(fakeHost('linux', () => ({ output })).host);
    expect(await manager.state('abc')).toEqual({
      isInstalled: false,
      isRunning: true,
      detail: 'active (running), enabled, 2 restarts',
    });
  });
});

/** What an XML reader makes of the text of an element. */
function unescaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replaceAll(/&(\w+);/g, (_whole, name: string) => entities[name]!);
}

describe('launchd', () => {
  test('the plist holds the words as they are', async () => {
    const { host, ran } = fakeHost('darwin');
    const manager = openServiceManager(host);
    const spec = specIn('/vaults');
    const { path, text } = manager.file(spec);
    expect(path.endsWith('/Library/LaunchAgents/dev.holdfast.watch.f3a9c1d2e4b5a697.plist')).toBe(true);
    const words = text
      .split('ProgramArguments</key>')[1]!
      .split('</array>')[0]!
      .matchAll(/<string>(.*?)<\/string>/gs);
    expect([...words].map((match) => unescaped(match[1]!))).toEqual(spec.words);
    expect(text).not.toMatch(/SECRET|TOKEN/);
    await manager.install(spec);
    expect(ran).toEqual([
      ['/bin/launchctl', 'bootout', 'gui/501/dev.holdfast.watch.f3a9c1d2e4b5a697'],
      ['/bin/launchctl', 'bootstrap', 'gui/501', path],
    ]);
    expect(await manager.uninstall(spec.id)).toBe(true);
    expect(await manager.uninstall(spec.id)).toBe(false);
  });

  test('a path XML cannot hold is refused, not mangled', () => {
    const spec = { ...specIn('/vaults'), words: ['/bin/a\u0001b'] };
    expect(() => openServiceManager(fakeHost('darwin').host).file(spec)).toThrow(/cannot be written into the file/);
  });
});

describe('the Task Scheduler', () => {
  test('the task holds the program and its arguments as Windows takes them apart', async () => {
    const { host, ran } = fakeHost('win32');
    const manager = openServiceManager(host);
    const words = ['C:\\Program Files\\node.exe', 'a b', 'say "x"', 'ends in \\', 'plain', `<&> 100%`];
    const spec = { ...specIn('C:'), words };
    const { path, text } = manager.file(spec);
    expect(unescaped(/<Command>(.*)<\/Command>/.exec(text)![1]!)).toBe(words[0]);
    expect(unescaped(/<Arguments>(.*)<\/Arguments>/.exec(text)![1]!)).toBe(
      '"a b" "say \\"x\\"" "ends in \\\\" plain "<&> 100%"',
    );
    await manager.install(spec);
    expect([...readFileSync(path).subarray(0, 2)]).toEqual([0xff, 0xfe]);
    expect(ran.map((asked) => asked[1])).toEqual(['/Create', '/End', '/Run']);
    expect(await manager.uninstall(spec.id)).toBe(true);
  });
});
