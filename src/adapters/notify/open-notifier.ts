import type { HookRunner } from '../../ports/hook-runner.ts';
import type { AlertMessage, Delivery, Notifier } from '../../ports/notifier.ts';
import type { ProgramEnd, ProgramRunner } from '../../ports/program-runner.ts';
import { callAddress } from './call-address.ts';
import { desktopCommand } from './desktop.ts';

/** The `alerts` of the settings. */
export interface AlertSettings {
  readonly desktop: boolean;
  readonly webhook?: string | undefined;
  readonly heartbeat?: string | undefined;
  readonly command?: readonly string[] | undefined;
}

export interface NotifierOptions {
  readonly settings: AlertSettings;
  readonly programs: ProgramRunner;
  readonly hooks: HookRunner;
  /** Commands and addresses of the settings are used only when the person of this machine approved them. */
  readonly isTrusted: (setting: string, words: readonly string[]) => boolean;
  readonly redact: (text: string) => string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Programs run here: not in the vault, where a program of their name could lie. */
  readonly home: string;
  /** Milliseconds an address may take; 10 seconds when absent. */
  readonly timeoutMs?: number;
}

type Sent = Omit<Delivery, 'channel'>;

const programMs = 30_000;
const addressMs = 10_000;

/** Opens the channels the settings name: desktop, webhook, command, heartbeat. All are tried, one after the other. */
export function openNotifier(options: NotifierOptions): Notifier {
  const { settings, redact } = options;
  const timeoutMs = options.timeoutMs ?? addressMs;
  return {
    async send(message, { signal } = {}) {
      const clean = redactMessage(message, redact);
      const body = `${JSON.stringify({ schema: 1, ...clean })}\n`;
      const deliveries: Delivery[] = [];
      if (settings.desktop) deliveries.push({ channel: 'desktop', ...(await showOnDesktop(options, clean, signal)) });
      if (settings.webhook !== undefined) {
        const call = { url: settings.webhook, body, timeoutMs, signal };
        deliveries.push({ channel: 'webhook', ...(await callTrusted(options, 'alerts.webhook', call)) });
      }
      if (settings.command !== undefined) {
        deliveries.push({ channel: 'command', ...(await runCommand(options, settings.command, { body, signal })) });
      }
      const call = {
        name: 'onAlert',
        facts: { alertKind: message.kind },
        input: body,
        isAutomatic: false,
        signal,
      } as const;
      for (const { program, kind, message: detail } of await options.hooks.run(call)) {
        const outcome = kind === 'untrusted' ? 'untrusted' : 'failed';
        deliveries.push({ channel: 'onAlert', outcome, detail: `${JSON.stringify(program)} ${detail}` });
      }
      return deliveries;
    },
    async beat({ signal } = {}) {
      if (settings.heartbeat === undefined) return null;
      const call = { url: settings.heartbeat, body: null, timeoutMs, signal };
      return { channel: 'heartbeat', ...(await callTrusted(options, 'alerts.heartbeat', call)) };
    },
  };
}

const untrusted: Sent = { outcome: 'untrusted', detail: 'not approved on this machine; see: holdfast hooks' };

function redactMessage(message: AlertMessage, redact: (text: string) => string): AlertMessage {
  const { title, text, remedy, vault } = message;
  return { ...message, title: redact(title), text: redact(text), remedy: redact(remedy), vault: redact(vault) };
}

async function showOnDesktop(
  { programs, platform, env, home }: NotifierOptions,
  message: AlertMessage,
  signal: AbortSignal | undefined,
): Promise<Sent> {
  const command = desktopCommand(message, { platform, env });
  if (command === null) return { outcome: 'unavailable', detail: 'no desktop session' };
  const end = await programs.run({ ...command, cwd: home, timeoutMs: programMs, signal });
  if (end.kind === 'not_started') return { outcome: 'unavailable', detail: `there is no ${command.words[0]}` };
  return sentBy(end);
}

async function callTrusted(
  options: NotifierOptions,
  setting: string,
  call: Parameters<typeof callAddress>[0],
): Promise<Sent> {
  if (!options.isTrusted(setting, [call.url])) return untrusted;
  const problem = await callAddress(call);
  return problem === null ? { outcome: 'delivered', detail: 'answered' } : { outcome: 'failed', detail: problem };
}

async function runCommand(
  options: NotifierOptions,
  words: readonly string[],
  { body, signal }: { body: string; signal: AbortSignal | undefined },
): Promise<Sent> {
  if (!options.isTrusted('alerts.command', words)) return untrusted;
  const env = { HOLDFAST_HOOK: '1' };
  return sentBy(
    await options.programs.run({ words, cwd: options.home, env, input: body, timeoutMs: programMs, signal }),
  );
}

function sentBy(end: ProgramEnd): Sent {
  switch (end.kind) {
    case 'done':
      return { outcome: 'delivered', detail: 'ended well' };
    case 'timed_out':
      return { outcome: 'failed', detail: `was stopped after ${programMs / 1000} s` };
    case 'stopped':
      return { outcome: 'failed', detail: 'stopped' };
    case 'not_started':
      return { outcome: 'failed', detail: `could not be started (${end.reason ?? 'unknown'})` };
    case 'failed':
      return {
        outcome: 'failed',
        detail: `ended with ${end.exitCode === null ? (end.reason ?? '?') : `code ${end.exitCode}`}`,
      };
  }
}
