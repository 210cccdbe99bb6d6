import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { desktopCommand } from '../../../src/adapters/notify/desktop.ts';
import { openNotifier, type NotifierOptions } from '../../../src/adapters/notify/open-notifier.ts';
import { openProgramRunner } from '../../../src/adapters/process/open-program-runner.ts';
import { createRedactor } from '../../../src/format/redact.ts';
import type { AlertMessage } from '../../../src/ports/notifier.ts';
import { scratchFolder } from '../../support/scratch.ts';

const message: AlertMessage = {
  kind: 'failure',
  severity: 'critical',
  title: 'snapshots fail',
  text: 'A <b>secret-of-the-store</b> is wrong',
  remedy: 'holdfast status',
  vault: 'notes',
  machine: 'desk',
  at: '2026-11-20T14:00:00.000Z',
};
const env = { PATH: process.env['PATH'], AWS_SECRET_ACCESS_KEY: 'secret-of-the-store' };
const redact = createRedactor(env);

function notifier(settings: NotifierOptions['settings'], more: Partial<NotifierOptions> = {}) {
  return openNotifier({
    settings,
    programs: openProgramRunner({ env: { ...env, ...more.env }, redact }),
    hooks: { run: async () => [] },
    isTrusted: () => true,
    redact,
    platform: 'linux',
    env,
    home: '/',
    timeoutMs: 5_000,
    ...more,
  });
}

interface Got {
  readonly method: string | undefined;
  readonly body: string;
  readonly type: string | undefined;
}

/** A server on this machine that remembers what it was sent. */
async function receiver(answer: RequestListener = (_request, response) => response.end('ok')) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      got.push({ method: request.method, body, type: request.headers['content-type'] });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/s3cr3t` };
}

describe('webhook', () => {
  test('posts JSON without secrets', async () => {
    const { got, url } = await receiver();
    const deliveries = await notifier({ desktop: false, webhook: url }).send(message);
    expect(deliveries).toEqual([{ channel: 'webhook', outcome: 'delivered', detail: 'answered' }]);
    expect(got).toMatchObject([{ method: 'POST', type: 'application/json' }]);
    expect(JSON.parse(got[0]!.body)).toEqual({ schema: 1, ...message, text: 'A <b>[redacted]</b> is wrong' });
  });

  test('says what went wrong, without the address: refusals, redirects, silence, nobody there', async () => {
    const wrong = await receiver((_request, response) => response.writeHead(500).end('boom s3cr3t'));
    const elsewhere = await receiver();
    const moved = await receiver((_request, response) => response.writeHead(307, { location: elsewhere.url }).end());
    const silent = await receiver(() => {});
    const details: string[] = [];
    for (const webhook of [
      wrong.url,
      moved.url,
      silent.url,
      'http://127.0.0.1:1/s3cr3t',
      'http://example.org/s3cr3t',
    ]) {
      const [delivery] = await notifier({ desktop: false, webhook }, { timeoutMs: 300 }).send(message);
      expect(delivery).toMatchObject({ channel: 'webhook', outcome: 'failed' });
      details.push(delivery!.detail);
    }
    expect(details[0]).toBe('it answered HTTP 500');
    expect(details[1]).toBe('it redirects (HTTP 307), which is not followed');
    expect(details[2]).toBe('no answer within 0.3 s');
    expect(details[3]).toMatch(/^it cannot be reached/);
    expect(details[4]).toBe('only https is called, or http on this very machine');
    expect(details.join()).not.toContain('s3cr3t');
    expect(elsewhere.got).toEqual([]);
  });

  test('an address nobody approved is not called', async () => {
    const { got, url } = await receiver();
    const unapproved = notifier({ desktop: false, webhook: url, heartbeat: url }, { isTrusted: () => false });
    expect(await unapproved.send(message)).toMatchObject([{ outcome: 'untrusted' }]);
    expect(await unapproved.beat()).toMatchObject({ channel: 'heartbeat', outcome: 'untrusted' });
    expect(got).toEqual([]);
  });
});

test('the heartbeat is a plain GET', async () => {
  const { got, url } = await receiver();
  expect(await notifier({ desktop: false, heartbeat: url }).beat()).toMatchObject({ outcome: 'delivered' });
  expect(got).toMatchObject([{ method: 'GET', body: '' }]);
  expect(await notifier({ desktop: false }).beat()).toBeNull();
});

describe('command', () => {
  test('gets the alert on its standard input, and no shell in between', async () => {
    const file = join(scratchFolder(), 'alert; touch owned');
    const command = ['sh', '-c', 'cat > "$1"', 'sh', file];
    expect(await notifier({ desktop: false, command }).send(message)).toMatchObject([{ outcome: 'delivered' }]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ schema: 1, kind: 'failure', vault: 'notes' });
  });

  test('is not run unless approved; its failure is told', async () => {
    const command = ['sh', '-c', 'exit 9'];
    expect(await notifier({ desktop: false, command }).send(message)).toMatchObject([{ detail: 'ended with code 9' }]);
    const unapproved = notifier({ desktop: false, command }, { isTrusted: () => false });
    expect(await unapproved.send(message)).toMatchObject([{ channel: 'command', outcome: 'untrusted' }]);
  });
});

describe('desktop', () => {
  test('shows it with the program of the system; where there is none, says so', async () => {
    const folder = scratchFolder();
    const shown = join(folder, 'shown');
    writeFileSync(join(folder, 'notify-send'), `#!/bin/sh\nprintf '%s\\n' "$@" > ${shown}\n`);
    chmodSync(join(folder, 'notify-send'), 0o755);
    const session = { PATH: `${folder}:${env.PATH}`, DISPLAY: ':0' };
    const here = notifier({ desktop: true }, { env: session });
    expect(await here.send({ ...message, title: '-x' })).toMatchObject([{ channel: 'desktop', outcome: 'delivered' }]);
    expect(readFileSync(shown, 'utf8').split('\n')).toEqual([
      '--app-name=holdfast',
      '--urgency=critical',
      '--',
      'holdfast: -x',
      'A &lt;b&gt;[redacted]&lt;/b&gt; is wrong',
      'holdfast status',
      '',
    ]);
    expect(await notifier({ desktop: true }).send(message)).toMatchObject([{ outcome: 'unavailable' }]);
  });

  test('never puts text into a script', () => {
    const hostile = { ...message, title: '"; rm -rf ~; $(x) `x` \u0027', text: '" & do shell script "x' };
    for (const platform of ['darwin', 'win32'] as const) {
      const { words, env: variables } = desktopCommand(hostile, { platform, env: {} })!;
      const scripts = platform === 'darwin' ? words.slice(0, -2) : words;
      expect(scripts.join(' ')).not.toContain('rm -rf');
      expect(platform === 'darwin' ? words.at(-2) : variables?.['HOLDFAST_ALERT_TITLE']).toContain('rm -rf');
    }
  });
});
