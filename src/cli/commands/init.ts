import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { Config } from '../../app/config.ts';
import { makeRecoveryKey } from '../../engine/create-keys.ts';
import { applyInit, planInit, type InitPlan } from '../../engine/init-vault.ts';
import type { NewKey } from '../../engine/publish-keys.ts';
import { displayText } from '../../format/display-name.ts';
import { formatRawKey } from '../../format/key-secret.ts';
import { byteStringOfText } from '../../lib/bytes.ts';
import { formatStoreUrl, parseStoreUrl } from '../../format/store-url.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { VersioningState } from '../../ports/object-storage.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { initPlanFields, printInitPlan } from '../init-plan.ts';
import type { InitAnswers, Rhythm } from '../init-wizard.ts';
import { printRecoveryKey, readNewSecret } from '../new-secret.ts';
import { printProblems } from '../print-problems.ts';
import { printFact } from '../print-fact.ts';
import { shellQuote } from '../shell-quote.ts';

export const command: Command = {
  name: 'init',
  summary: 'set up a vault: choose the store, write the settings',
  description: [
    'Asks where snapshots go, how long they are kept and who takes them; shows what would be captured, the largest folders ' +
      'and what stays unprotected; then writes holdfast.json, .syncignore and one line of .gitignore, creates the store and ' +
      'turns its versioning on where it can. Nothing is sent before you agree, and no file of yours is replaced.',
    'No set-up is needed to begin with: without it, snapshots go to a folder of your own data.',
  ],
  arguments: [],
  options: [
    { flags: '-y, --yes', summary: 'ask nothing' },
    { flags: '--adopt', summary: 'join the vault the store belongs to, from another folder or machine' },
    {
      flags: '--encrypt',
      summary: 'encrypt a new store: asks for a passphrase, or takes --key-file; shows a recovery key',
    },
    { flags: '--kdf <name>', summary: 'how a passphrase is stretched', choices: ['argon2id', 'scrypt'] },
    { flags: '--keep-all', summary: 'keep every snapshot for ever' },
    { flags: '--no-gitignore', summary: 'leave .gitignore alone' },
  ],
  examples: [
    { command: 'holdfast init', means: 'be asked' },
    { command: 'holdfast init --store s3://bucket/notes?region=eu-central-1 --yes', means: 'be asked nothing' },
    {
      command: 'holdfast init --encrypt --store s3://bucket/notes',
      means: 'only this computer and your keys can read it',
    },
    { command: 'holdfast init --store s3://bucket/notes --adopt', means: 'a second machine' },
  ],
  async run(context) {
    const { out } = context;
    const isAsking = !context.flag('yes');
    if (isAsking) assertCanAsk(context);
    const found = await context.config();
    const answers = isAsking ? await ask(context, found) : answersOf(context, found);
    const adjust = (asFound: Config): Config => {
      const capture = answers.encrypt ? { ...asFound.capture, allowSecrets: true } : asFound.capture;
      const placed = { ...asFound, capture };
      if (answers.store === null) return placed;
      return { ...placed, store: parseStoreUrl(answers.store, placed), storeFrom: 'flag' };
    };
    const config = adjust(found);

    const plan = await makePlan(context, adjust);
    const isNew = plan.store.state === 'new';
    const isEncrypted = isNew ? answers.encrypt : plan.store.isEncrypted;
    if (answers.encrypt && !isEncrypted) throw chosenBefore(config);
    printInitPlan(out, plan, { config, isEncrypted });
    printProblems(out, plan.problems, 'cannot be read at the moment:');
    assertMayJoin(plan, context);
    if (isAsking && !(await agree(context))) {
      out.print('  Nothing was written.');
      out.result({ command: 'init', applied: false, ...initPlanFields(plan, config) });
      return exitCodes.ok;
    }
    if (plan.store.state === 'foreign' && plan.store.vaultId !== null) {
      const { adoptVault } = await import('../../app/adopt-vault.ts');
      adoptVault(config, plan.store.vaultId);
    }
    const keys = isNew && isEncrypted ? await makeKeys(context, config) : null;
    await using deps = await context.openSession({ prepareVault: true, adjust, needsKey: keys === null });
    const { versioning } = await applyInit(deps, { keys: keys?.all, signal: context.signal });
    const changed = await writeFiles(context, { config, answers, isEncrypted });
    const recovery = keys?.recovery ?? null;
    out.result({
      command: 'init',
      applied: true,
      versioning,
      written: changed,
      ...initPlanFields(plan, config),
      encrypted: isEncrypted,
      ...(recovery === null ? {} : { recovery_key: formatRawKey(recovery) }),
    });
    printDone(context, { config, changed, versioning, rhythm: answers.rhythm, isNew, recovery });
    return exitCodes.ok;
  },
};

function assertCanAsk({ io, out }: CommandContext): void {
  if (io.stdin.isTTY === true && io.stderr.isTTY === true && !out.json && !out.quiet) return;
  throw new HoldfastError('flag_invalid', 'init asks questions, and there is nobody to ask here.', {
    hint: 'Say it with flags: holdfast init --yes [--store URL] [--keep-all] [--encrypt] [--no-gitignore] [--adopt]',
  });
}

async function ask({ io, value }: CommandContext, config: Config): Promise<InitAnswers> {
  const { askInit } = await import('../init-wizard.ts');
  const answers = await askInit(io, config);
  return value('store') === undefined ? answers : { ...answers, store: formatStoreUrl(config.store) };
}

function answersOf(context: CommandContext, config: Config): InitAnswers {
  const store = config.storeFrom === 'default' ? null : formatStoreUrl(config.store);
  return { store, encrypt: context.flag('encrypt'), keepAll: context.flag('keep-all'), rhythm: 'hand' };
}

/** Looks without leaving a trace: the folder becomes a vault only once agreed. */
async function makePlan(context: CommandContext, adjust: (config: Config) => Config): Promise<InitPlan> {
  await using deps = await context.openSession({ adjust, createStore: true });
  return await planInit(deps, { signal: context.signal });
}

/** The keys of a new store: the person's own, and one to write down. With --quiet nobody would see that one. */
async function makeKeys(
  context: CommandContext,
  config: Config,
): Promise<{ readonly all: readonly NewKey[]; readonly recovery: Uint8Array | null }> {
  const { keyPlacesOf } = await import('../../app/key-places.ts');
  const secret = await readNewSecret(context, {
    places: keyPlacesOf(config, context.io),
    hint:
      'Give a passphrase in HOLDFAST_PASSPHRASE, a key of 64 hex digits in HOLDFAST_KEY (openssl rand -hex 32 makes one), ' +
      'or either with --key-file FILE.',
  });
  const name = secret.kind === 'passphrase' ? 'passphrase' : 'key';
  const own: NewKey = { name, secret, passphraseBy: context.value('kdf') === 'scrypt' ? 'scrypt' : 'argon2id' };
  if (context.out.quiet) return { all: [own], recovery: null };
  const recovery = makeRecoveryKey({ random: { bytes: (size) => randomBytes(size) } });
  return { all: [own, { name: 'recovery', secret: recovery }], recovery: recovery.bytes };
}

function chosenBefore(config: Config): HoldfastError {
  return new HoldfastError(
    'config_invalid',
    `The store ${formatStoreUrl(config.store)} exists and is not encrypted; encryption is chosen when a store is made.`,
    { hint: 'Choose another prefix or folder for an encrypted store: holdfast init --encrypt --store URL' },
  );
}

function assertMayJoin(plan: InitPlan, context: CommandContext): void {
  if (plan.store.state !== 'foreign' || context.flag('adopt')) return;
  const name = displayText(plan.store.vaultName ?? '', { charsMax: 100 });
  throw new HoldfastError('store_foreign', `The store belongs to another vault ("${name}").`, {
    hint: 'If this folder is a copy of that vault, add --adopt; otherwise choose another prefix or folder.',
    data: { store_vault: plan.store.vaultId },
  });
}

async function agree({ io }: CommandContext): Promise<boolean> {
  const { askYes } = await import('../init-wizard.ts');
  return askYes(io, 'Set it up like this?');
}

async function writeFiles(
  context: CommandContext,
  { config, answers, isEncrypted }: { config: Config; answers: InitAnswers; isEncrypted: boolean },
): Promise<string[]> {
  const { writeVaultFiles, hasGitignoreLine, gitignoreLine } = await import('../../app/vault-files.ts');
  const isRepository = existsSync(join(config.vaultRoot, '.git'));
  let gitignore = isRepository && !context.flag('no-gitignore') && !hasGitignoreLine(config);
  if (gitignore && !context.flag('yes')) {
    const { askYes } = await import('../init-wizard.ts');
    gitignore = await askYes(context.io, `Add ${gitignoreLine(config)} to .gitignore?`);
  }
  return writeVaultFiles(config, { store: answers.store, keepAll: answers.keepAll, encrypted: isEncrypted, gitignore });
}

const versioningWords: Readonly<Record<VersioningState, string>> = {
  on: 'on: what is overwritten or deleted in the store can be brought back',
  off: 'off: turn it on in the bucket to be safe from deletion there',
  suspended: 'suspended: turn it on in the bucket to be safe from deletion there',
  unsupported: 'this storage has none: what is deleted there is gone',
  unknown: 'unknown: the store does not say',
};

interface Done {
  readonly config: Config;
  readonly changed: readonly string[];
  readonly versioning: VersioningState;
  readonly rhythm: Rhythm;
  readonly isNew: boolean;
  /** To be shown this once; null when none was made. */
  readonly recovery: Uint8Array | null;
}

function printDone(context: CommandContext, { config, changed, versioning, rhythm, isNew, recovery }: Done): void {
  const { out, io } = context;
  out.print(`  ${out.paint('green', '●')} ${out.paint('bold', displayText(config.vaultName))} is set up`);
  printFact(out, 'versioning', versioningWords[versioning]);
  printFact(out, 'written', changed.length === 0 ? 'nothing: all files were there' : changed.join(', '));
  if (rhythm !== 'hand') {
    const when = { '15 minutes': '*/15 * * * *', hour: '7 * * * *', day: '7 12 * * *' }[rhythm];
    const vault = shellQuote(byteStringOfText(config.vaultRoot), io.platform);
    printFact(out, 'scheduler', 'the line for crontab -e:');
    // On a line of its own, unwrapped, to be copied.
    out.print(`  ${when} holdfast snapshot --quiet --vault ${vault}`);
  }
  if (recovery !== null) printRecoveryKey(context, recovery);
  printFact(out, 'next', out.paint('cyan', isNew ? 'holdfast snapshot "first"' : 'holdfast status'));
}
