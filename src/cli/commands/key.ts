import { randomBytes } from 'node:crypto';
import { makeRecoveryKey } from '../../engine/create-keys.ts';
import { addKey, removeKey, renewMaster, resumeRotation, rotateKey } from '../../engine/manage-keys.ts';
import type { KeyChange, NewKey } from '../../engine/publish-keys.ts';
import { displayText } from '../../format/display-name.ts';
import { formatRawKey } from '../../format/key-secret.ts';
import { parseKeyName } from '../../format/key-sheet.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { KeySecret, KeySheet, KeySlot } from '../../model/store-keys.ts';
import type { StoreEncryption } from '../../ports/store-encryption.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { printRecoveryKey, readNewSecret } from '../new-secret.ts';
import { padToWidth } from '../../format/text-width.ts';

const recoveryName = 'recovery';

export const command: Command = {
  name: 'key',
  summary: 'list, add, remove and change the keys of an encrypted store',
  description: [
    'An encrypted store has one master key, and any number of keys that open it: passphrases, keys of 64 hex digits, and ' +
      'the recovery key. add gives it one more, remove takes one away (never the last), rotate puts a new passphrase in the place ' +
      'of the one in use. None of these writes anything anew: they change who can open the store, not how it is encrypted.',
    'When a key got into wrong hands, rotate --master begins a new master key: what is stored from then on cannot be read with ' +
      'anything known before. What is stored already stays as it is, and readable; all other keys have to be added again.',
    'The new secret is asked for, or taken from --new-key-file, --new-key-command, HOLDFAST_NEW_PASSPHRASE or HOLDFAST_NEW_KEY.',
  ],
  arguments: [
    { name: '<action>', summary: 'list, add, remove or rotate' },
    { name: '[name]', summary: 'the key: its name, or its id from list' },
  ],
  options: [
    { flags: '--recovery', summary: 'add: make a recovery key and show it once' },
    { flags: '--resume', summary: 'rotate: finish one that was interrupted' },
    { flags: '--master', summary: 'rotate: begin a new master key, and drop the keys not in use' },
    { flags: '--drop-others', summary: 'with --master: yes, the keys not in use may go' },
    { flags: '--new-key-file <path>', summary: 'the file with the new passphrase or key' },
    { flags: '--new-key-command <command>', summary: 'the program that prints it' },
    { flags: '--kdf <name>', summary: 'how a passphrase is stretched', choices: ['argon2id', 'scrypt'] },
  ],
  examples: [
    { command: 'holdfast key list', means: 'see which keys there are; takes none' },
    { command: 'holdfast key add office', means: 'a passphrase for another computer' },
    { command: 'holdfast key add --recovery', means: 'a new recovery key to write down' },
    { command: 'holdfast key rotate', means: 'change the passphrase' },
  ],
  async run(context) {
    const [action, name] = context.args;
    switch (action ?? '') {
      case 'list':
        return list(context);
      case 'add':
        return add(context, name);
      case 'remove':
        return remove(context, name);
      case 'rotate':
        return rotate(context, name);
      default:
        throw new HoldfastError('flag_invalid', `key can list, add, remove and rotate, not ${shown(action)}.`, {
          hint: 'See: holdfast key --help',
        });
    }
  },
};

async function list(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  await using deps = await context.openSession({ needsKey: false });
  const stored = await deps.encryption.newestSheet({ signal });
  const slots = stored?.sheet.slots ?? [];
  out.result({
    command: 'key',
    action: 'list',
    encrypted: stored !== null,
    generation: stored?.sheet.generation ?? null,
    keys: slots.map(({ id, name, createdAt, derivation, replaces }) => ({
      id,
      name,
      kind: kindOf(derivation.id),
      kdf: derivation.id,
      created_at: createdAt,
      replaces,
    })),
    master_keys: (stored?.sheet.masters ?? []).map(({ id, createdAt }) => ({ id, created_at: createdAt })),
  });
  if (stored === null) out.print('  The store is not encrypted: it has no keys.');
  for (const slot of slots) printSlot(context, slot);
  if (slots.some(({ replaces }) => replaces !== null)) {
    out.print('  A rotation is under way: holdfast key rotate --resume');
  }
  return exitCodes.ok;
}

function printSlot({ out }: CommandContext, { id, name, createdAt, derivation, replaces }: KeySlot): void {
  const kind = `${kindOf(derivation.id)}${replaces === null ? '' : ' (new)'}`;
  const facts = [id, createdAt.slice(0, 10), kind].join('  ');
  if (out.columns < 60) {
    out.print(`  ${displayText(name)}`);
    out.print(`    ${facts}`);
  } else out.print(`  ${padToWidth(displayText(name), 20)}  ${facts}`);
}

async function add(context: CommandContext, raw: string | undefined): Promise<number> {
  const isRecovery = context.flag('recovery');
  const name = parseKeyName(raw ?? (isRecovery ? recoveryName : missingName('add')));
  await using deps = await context.openSession({ prepareVault: true });
  const secret = isRecovery ? newRecovery() : await newSecret(context);
  const change = await addKey(deps, { name, secret, passphraseBy: stretching(context) }, { signal: context.signal });
  return done(context, { action: 'add', name, change, recovery: isRecovery ? secret : null });
}

async function remove(context: CommandContext, name: string | undefined): Promise<number> {
  await using deps = await context.openSession({ prepareVault: true });
  const change = await removeKey(deps, name ?? missingName('remove'), { signal: context.signal });
  return done(context, { action: 'remove', name: name!, change, recovery: null });
}

async function rotate(context: CommandContext, name: string | undefined): Promise<number> {
  const { signal } = context;
  await using deps = await context.openSession({ prepareVault: true });
  if (context.flag('resume')) {
    const change = await resumeRotation(deps, { signal });
    if (change !== null) return done(context, { action: 'rotate', name: name ?? '', change, recovery: null });
    context.out.print('  No rotation was interrupted; nothing was changed.');
    context.out.result({ command: 'key', action: 'rotate', changed: false });
    return exitCodes.ok;
  }
  if (context.flag('master')) {
    if (!context.flag('drop-others')) await assertNoOthers(deps.encryption, context);
    const recovery = newRecovery();
    const change = await renewMaster(deps, { name: recoveryName, secret: recovery }, { signal });
    return done(context, { action: 'master', name: '', change, recovery });
  }
  const secret = await newSecret(context);
  const change = await rotateKey(deps, { secret, name, passphraseBy: stretching(context) }, { signal });
  return done(context, { action: 'rotate', name: name ?? '', change, recovery: null });
}

/** A new master key cannot be given to keys whose secret is not here; whoever relies on one must not find out later. */
async function assertNoOthers(encryption: StoreEncryption, { signal }: CommandContext): Promise<void> {
  const unlocked = await encryption.unlock({ signal });
  const slots = (await encryption.newestSheet({ signal }))?.sheet.slots ?? [];
  const others = slots.filter(({ id, name }) => id !== unlocked?.slot.id && name !== recoveryName);
  if (others.length === 0) return;
  const names = others.map(({ name }) => displayText(name)).join(', ');
  throw new HoldfastError('not_applied', `A new master key takes away the keys not in use: ${names}.`, {
    hint: 'If they may go, say --drop-others, and add them again afterwards with: holdfast key add NAME',
    data: { keys: others.map(({ id, name }) => ({ id, name })) },
  });
}

interface Done {
  readonly action: 'add' | 'remove' | 'rotate' | 'master';
  readonly name: string;
  readonly change: KeyChange;
  /** Made by this command; shown now or never. */
  readonly recovery: KeySecret | null;
}

function done(context: CommandContext, { action, name, change, recovery }: Done): number {
  const { out } = context;
  const { sheet, sheetsLeft } = change;
  const isShown = recovery?.kind === 'raw';
  out.result({
    command: 'key',
    action,
    changed: true,
    generation: sheet.generation,
    keys: sheet.slots.map((slot) => ({ id: slot.id, name: slot.name })),
    earlier_keys_left: sheetsLeft,
    ...(isShown ? { recovery_key: formatRawKey(recovery.bytes) } : {}),
  });
  out.print(`  ${out.paint('green', '●')} ${summary(action, name, sheet)}`);
  if (isShown) printRecoveryKey(context, recovery.bytes);
  for (const line of advice(action)) out.print(`  ${out.paint('dim', line)}`);
  if (sheetsLeft > 0) {
    out.notice({
      code: 'earlier_keys_left',
      message: 'earlier keys could not be deleted from the store: who knew a removed key can still use it there',
    });
  }
  return exitCodes.ok;
}

function summary(action: Done['action'], name: string, sheet: KeySheet): string {
  const names = sheet.slots.map((slot) => displayText(slot.name)).join(', ');
  if (action === 'add') return `added ${displayText(name)}; the store opens with: ${names}`;
  if (action === 'remove') return `removed ${displayText(name)}; the store opens with: ${names}`;
  if (action === 'rotate') return `changed; the store opens with: ${names}`;
  return `a new master key protects what is stored from now on; it opens with: ${names}`;
}

function advice(action: Done['action']): readonly string[] {
  if (action === 'remove')
    return ['Copies of the store made before still open with it. If it', 'was stolen: holdfast key rotate --master'];
  if (action === 'master') return ['Other keys must be added again: holdfast key add NAME'];
  return [];
}

async function newSecret(context: CommandContext): Promise<KeySecret> {
  const { newKeyPlacesOf } = await import('../../app/key-places.ts');
  const flags = {
    keyFile: context.value('new-key-file') ?? null,
    keyCommand: context.value('new-key-command') ?? null,
  };
  return readNewSecret(context, {
    places: newKeyPlacesOf(flags, context.io),
    hint: 'Give the new one with --new-key-file FILE, in HOLDFAST_NEW_PASSPHRASE, or in HOLDFAST_NEW_KEY (64 hex digits).',
  });
}

function newRecovery(): KeySecret & { readonly kind: 'raw' } {
  return makeRecoveryKey({ random: { bytes: (size) => randomBytes(size) } });
}

function stretching(context: CommandContext): NonNullable<NewKey['passphraseBy']> {
  return context.value('kdf') === 'scrypt' ? 'scrypt' : 'argon2id';
}

function kindOf(derivation: KeySlot['derivation']['id']): string {
  return derivation === 'hkdf-sha256' ? 'key' : 'passphrase';
}

function missingName(action: string): never {
  throw new HoldfastError('flag_invalid', `key ${action} needs the name of the key.`, {
    hint: `For example: holdfast key ${action} office`,
  });
}

function shown(word: string | undefined): string {
  return JSON.stringify(displayText(word ?? '', { charsMax: 40 }));
}
