import { assertStrongEnough, formatRawKey } from '../format/key-secret.ts';
import { HoldfastError } from '../model/errors.ts';
import type { KeySecret } from '../model/store-keys.ts';
import type { KeyPlaces } from '../app/key-places.ts';
import { askNewPassphrase } from './ask-passphrase.ts';
import type { CommandContext } from './command.ts';

/**
 * The secret a new key is made of: from where flags and environment say, else asked for twice.
 * @throws {HoldfastError} `key_missing` where there is nobody to ask, `key_invalid` for one that protects nothing
 */
export async function readNewSecret(
  context: CommandContext,
  options: { places: KeyPlaces; hint: string },
): Promise<KeySecret> {
  const { readSecretFrom } = await import('../app/key-places.ts');
  const { events, io, out } = context;
  const given = await readSecretFrom(options.places, events);
  const secret = given ?? (await askNewPassphrase(io, out));
  if (secret === null) {
    throw new HoldfastError('key_missing', 'A key is needed, and none was given.', { hint: options.hint });
  }
  assertStrongEnough(secret);
  return secret;
}

const groupsPerLine = 4;

/** A recovery key in lines that can be copied by hand. */
export function recoveryKeyLines(bytes: Uint8Array): string[] {
  const groups = formatRawKey(bytes).split('-');
  const lines: string[] = [];
  for (let at = 0; at < groups.length; at += groupsPerLine) lines.push(groups.slice(at, at + groupsPerLine).join('-'));
  return lines;
}

/** Shows a recovery key, the only time it can be shown. */
export function printRecoveryKey({ out }: CommandContext, bytes: Uint8Array): void {
  out.print(`  ${out.paint(['yellow', 'bold'], 'recovery key')}`);
  for (const line of recoveryKeyLines(bytes)) out.print(`    ${line}`);
  out.print('  Write it down and keep it away from this');
  out.print('  computer: it opens the store when every');
  out.print('  other key is lost, and is shown only now.');
}
