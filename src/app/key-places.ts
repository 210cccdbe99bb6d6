import { type KeyPlaces, readKey } from '../adapters/key-source/open-key-source.ts';
import type { KeySecret } from '../model/store-keys.ts';
import type { EventSink } from '../ports/event-sink.ts';
import { absolutePath } from './find-vault.ts';
import type { Host } from './host.ts';

export type { KeyPlaces };

/** Reads the key from there; null when no place was named. @throws {HoldfastError} `key_missing`, `key_invalid` */
export async function readSecretFrom(places: KeyPlaces, events: EventSink): Promise<KeySecret | null> {
  return readKey(places, (notice) => events.emit({ type: 'notice_given', notice }));
}

/** Where flags and environment say the key of the store is. Flags beat the environment. */
export function keyPlacesOf(flags: { keyFile: string | null; keyCommand: string | null }, host: Host): KeyPlaces {
  const { keyFile, keyCommand } = flags;
  if (keyFile !== null || keyCommand !== null) return { ...nowhere, file: keyFile, command: keyCommand };
  return placesIn(host, {
    raw: ['HOLDFAST_KEY', 'BACKUP_ENCRYPTION_KEY'],
    passphrase: 'HOLDFAST_PASSPHRASE',
    file: 'HOLDFAST_KEY_FILE',
    command: 'HOLDFAST_KEY_COMMAND',
  });
}

/** Where a key to be added is, when it is not to be asked for. */
export function newKeyPlacesOf(flags: { keyFile: string | null; keyCommand: string | null }, host: Host): KeyPlaces {
  const { keyFile, keyCommand } = flags;
  const file = keyFile === null ? null : absolutePath(keyFile, host);
  if (file !== null || keyCommand !== null) return { ...nowhere, file, command: keyCommand };
  return placesIn(host, { raw: ['HOLDFAST_NEW_KEY'], passphrase: 'HOLDFAST_NEW_PASSPHRASE' });
}

const nowhere: KeyPlaces = { file: null, command: null, rawVariables: [], passphraseVariable: null };

function placesIn(
  host: Host,
  names: { raw: readonly string[]; passphrase: string; file?: string; command?: string },
): KeyPlaces {
  const value = (name: string | undefined): string | null => {
    const found = name === undefined ? undefined : host.env[name];
    // An empty variable counts as not set.
    return found === undefined || found === '' ? null : found;
  };
  const rawVariables = names.raw.flatMap((name): [string, string][] => {
    const found = value(name);
    return found === null ? [] : [[name, found]];
  });
  const passphrase = value(names.passphrase);
  // A key in a variable beats a place in one: the latter is what a machine has set up, the former what somebody typed.
  if (rawVariables.length > 0 || passphrase !== null) {
    return {
      ...nowhere,
      rawVariables,
      passphraseVariable: passphrase === null ? null : [names.passphrase, passphrase],
    };
  }
  const file = value(names.file);
  return { ...nowhere, file: file === null ? null : absolutePath(file, host), command: value(names.command) };
}
