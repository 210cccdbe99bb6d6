import type { StoreUrl } from '../format/store-url.ts';
import type { Settings } from './settings-schema.ts';

/**
 * Everything a command was told, from flags, environment and `holdfast.json`, with defaults filled in. Durations in
 * milliseconds, sizes in bytes. No credentials: those stay in the environment.
 */
export interface Config extends Omit<Settings, '$schema' | 'format' | 'store' | 'vaultName' | 'machineName'> {
  /** Absolute path of the vault, links resolved. */
  readonly vaultRoot: string;
  /** How the vault was found, for messages. */
  readonly vaultFoundBy: VaultFoundBy;
  readonly vaultName: string;
  /** Null: this machine's own identity decides. */
  readonly machineName: string | null;
  /** The `holdfast.json` that was read, null when there is none. */
  readonly settingsFile: string | null;
  readonly store: StoreUrl;
  /** Where the store was named. */
  readonly storeFrom: 'flag' | 'environment' | 'settings' | 'default';
  /** `--insecure`: plain http to another machine is allowed. */
  readonly insecure: boolean;
  /** `--key-file`, absolute. */
  readonly keyFile: string | null;
  /** `--key-command`. */
  readonly keyCommand: string | null;
  /** Folder of holdfast's own data for this user: default stores, the machine's identity. May not exist yet. */
  readonly dataRoot: string;
}

export type VaultFoundBy = 'flag' | 'environment' | 'settings' | 'state' | 'repository' | 'current_folder';
