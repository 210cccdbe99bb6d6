import { openVaultService, type VaultService } from '../../app/open-service.ts';
import { displayText } from '../../format/display-name.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { printAdvice } from '../print-advice.ts';
import { printFact } from '../print-fact.ts';
import { wrapToWidth } from '../../format/text-width.ts';

const logLines = 50;
const actions = ['install', 'uninstall', 'status', 'logs'] as const;
type Action = (typeof actions)[number];

export const command: Command = {
  name: 'service',
  summary: 'keep watching in the background: from login to logout, for ever',
  description: [
    'install makes `holdfast watch` of this vault a service of your user (systemd, launchd or the Task Scheduler): it starts at ' +
      'login, and again after a failure. Each vault has a service of its own. uninstall takes it away; status and logs tell how it does (status ends 3 when it does not run).',
    'The service file holds no secrets. Credentials and keys that are not in ~/.aws go into an environment file that only you can ' +
      'read, one NAME=value a line; install says where.',
  ],
  arguments: [{ name: '<action>', summary: actions.join(', ') }],
  options: [
    { flags: '--print', summary: 'show the service file and where it would be, install nothing' },
    { flags: '-n, --lines <count>', summary: `how many lines of the log (default: ${logLines})` },
  ],
  examples: [
    { command: 'holdfast service install', means: 'start it once and forget it' },
    { command: 'holdfast service install --print', means: 'look at it first' },
    { command: 'holdfast service logs -n 200', means: 'what it said' },
  ],
  async run(context) {
    const action = actionOf(context.args[0]);
    const isInstalling = action === 'install' && !context.flag('print');
    // The vault's id names the service, so installing makes the folder a vault.
    await using deps = await context.openSession({ prepareVault: isInstalling });
    const service = openVaultService(await context.config(), context.io, deps.identity.vault.id);
    if (context.flag('print')) return print(context, service);
    if (action === 'install') return await install(context, service);
    if (action === 'uninstall') return await uninstall(context, service);
    if (action === 'status') return await status(context, service);
    const text = await service.manager.logs(service.spec.id, context.count('lines') ?? logLines);
    context.out.result({ command: 'service', action, log: text });
    for (const line of text.trimEnd().split('\n')) context.out.print(displayText(line, { charsMax: 4000 }));
    return exitCodes.ok;
  },
};

function actionOf(word: string | undefined): Action {
  const action = actions.find((candidate) => candidate === word);
  if (action !== undefined) return action;
  throw new HoldfastError('flag_invalid', `There is no "service ${displayText(word ?? '', { charsMax: 40 })}".`, {
    hint: `Use one of: ${actions.map((name) => `holdfast service ${name}`).join(', ')}`,
  });
}

function print({ out }: CommandContext, { manager, spec, environmentFile }: VaultService): number {
  const { path, text } = manager.file(spec);
  out.result({
    command: 'service',
    action: 'print',
    manager: manager.name,
    path,
    text,
    environment_file: environmentFile,
  });
  out.note(`  ${displayText(path, { charsMax: 4000 })}`);
  for (const line of text.trimEnd().split('\n')) out.print(displayText(line, { charsMax: 16_000 }));
  return exitCodes.ok;
}

async function install(context: CommandContext, service: VaultService): Promise<number> {
  const { out } = context;
  const { manager, spec, environmentFile } = service;
  await manager.install(spec);
  const state = await manager.state(spec.id);
  const { path } = manager.file(spec);
  out.result({
    command: 'service',
    action: 'install',
    manager: manager.name,
    path,
    running: state.isRunning,
    detail: state.detail,
    environment_file: environmentFile,
    environment_file_open: service.isEnvironmentFileOpen,
  });
  out.print(`  ${out.paint('green', '●')} watching from now on, and after every login`);
  printFact(out, 'service', `${manager.name}: ${displayText(path, { charsMax: 4000 })}`);
  printFact(out, 'state', displayText(state.detail));
  printFact(out, 'credentials', `read from ~/.aws, or from ${displayText(environmentFile, { charsMax: 4000 })}`);
  const advice = 'That file is yours to make: one NAME=value a line, readable by you alone (chmod 600).';
  for (const line of wrapToWidth(`  ${advice}`, out.columns, '  ')) out.print(line);
  if (service.isEnvironmentFileOpen) out.complain(`  ${out.paintNote('red', 'others can read it:')} chmod 600 it now`);
  return exitCodes.ok;
}

async function uninstall({ out }: CommandContext, { manager, spec }: VaultService): Promise<number> {
  const wasInstalled = await manager.uninstall(spec.id);
  out.result({ command: 'service', action: 'uninstall', manager: manager.name, was_installed: wasInstalled });
  out.print(
    wasInstalled ? '  The service is gone; restore points and settings stay.' : '  There was no service of this vault.',
  );
  return exitCodes.ok;
}

async function status({ out }: CommandContext, { manager, spec }: VaultService): Promise<number> {
  const { isInstalled, isRunning, detail } = await manager.state(spec.id);
  out.result({
    command: 'service',
    action: 'status',
    manager: manager.name,
    installed: isInstalled,
    running: isRunning,
    detail,
  });
  const mark = isRunning ? out.paint('green', '●') : out.paint('yellow', '○');
  const word = isInstalled ? (isRunning ? 'running' : 'installed, not running') : 'not installed';
  out.print(`  ${mark} ${word}`);
  if (detail !== '') printFact(out, manager.name, displayText(detail));
  if (!isInstalled) printAdvice(out, 'Install it with:', 'holdfast service install');
  return isRunning ? exitCodes.ok : exitCodes.incomplete;
}
