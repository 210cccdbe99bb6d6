import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HoldfastError } from '../model/errors.ts';
import { parseStoreUrl, type StoreUrl } from '../format/store-url.ts';
import type { Config } from './config.ts';
import { dataRootOf, defaultStoreFolder } from './data-root.ts';
import { absolutePath, findVault } from './find-vault.ts';
import type { Host } from './host.ts';
import { isWithin, realPathOfFuture } from './real-path.ts';
import { defaultSettings, readSettings, settingsFileName } from './read-settings.ts';
import { cleanFolder } from './vault-folders.ts';

/** The flags that have a say in the settings. */
export interface ConfigFlags {
  readonly vault?: string | undefined;
  readonly store?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly keyFile?: string | undefined;
  readonly keyCommand?: string | undefined;
}

/**
 * Works out what a command is told: flags beat the environment, the environment beats `holdfast.json`, that beats the
 * defaults. Reads the settings file and looks for the vault; writes nothing.
 * @throws {HoldfastError} `vault_missing`, `vault_unsuitable`, `config_invalid`, `config_newer`, `store_url_invalid`,
 * `directory_unusable`
 */
export function loadConfig(flags: ConfigFlags, host: Host): Config {
  const vault = findVault(flags.vault, host);
  const path = join(vault.root, settingsFileName);
  const settingsFile = existsSync(path) ? path : null;
  const {
    $schema: _schema,
    format: _format,
    ...settings
  } = settingsFile === null ? defaultSettings() : readSettings(settingsFile);
  const dataRoot = dataRootOf(host);
  const insecure = flags.insecure ?? false;
  const { store, storeFrom } = chooseStore({ flags, host, written: settings.store, insecure }) ?? {
    store: { kind: 'directory', path: defaultStoreFolder(dataRoot, vault.root) } as const,
    storeFrom: 'default' as const,
  };
  assertApart(vault.root, store);
  return {
    ...settings,
    stateDir: cleanFolder(settings.stateDir),
    holdingDir: cleanFolder(settings.holdingDir),
    vaultRoot: vault.root,
    vaultFoundBy: vault.foundBy,
    vaultName: settings.vaultName ?? basename(vault.root),
    machineName: variable(host, 'HOLDFAST_MACHINE') ?? settings.machineName ?? null,
    settingsFile,
    store,
    storeFrom,
    insecure,
    keyFile: flags.keyFile === undefined ? null : absolutePath(flags.keyFile, host),
    keyCommand: flags.keyCommand ?? null,
    dataRoot,
  };
}

interface StoreSources {
  readonly flags: ConfigFlags;
  readonly host: Host;
  /** From the settings file. */
  readonly written: string | undefined;
  readonly insecure: boolean;
}

function chooseStore(sources: StoreSources): Pick<Config, 'store' | 'storeFrom'> | null {
  const { flags, host, written, insecure } = sources;
  if (flags.store !== undefined) return { store: readStore(flags.store, host, insecure), storeFrom: 'flag' };
  const named = variable(host, 'HOLDFAST_STORE');
  if (named !== undefined) return { store: readStore(named, host, insecure), storeFrom: 'environment' };
  // Not made absolute: a folder relative to wherever the command runs would be another store each time.
  if (written !== undefined) return { store: parseStoreUrl(written, { insecure }), storeFrom: 'settings' };
  return null;
}

/** A store on the command line may also be a plain folder, relative to the current one. */
function readStore(text: string, host: Host, insecure: boolean): StoreUrl {
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(text);
  return parseStoreUrl(isUrl || text === '' ? text : absolutePath(text, host), { insecure });
}

/** An empty variable counts as not set. */
function variable(host: Host, name: string): string | undefined {
  const value = host.env[name];
  return value === '' ? undefined : value;
}

/** A store inside its vault would be captured into itself; a vault inside a store would be written into. */
function assertApart(vaultRoot: string, store: StoreUrl): void {
  if (store.kind !== 'directory') return;
  const folder = realPathOfFuture(store.path);
  const isStoreInside = isWithin(folder, vaultRoot);
  if (!isStoreInside && !isWithin(vaultRoot, folder)) return;
  const relation = isStoreInside ? 'lies inside the vault' : 'has the vault inside it';
  throw new HoldfastError('config_invalid', `The store ${JSON.stringify(store.path)} ${relation}.`, {
    hint: 'Choose a folder for the store that is apart from the vault, best on another disk.',
  });
}
