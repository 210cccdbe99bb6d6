import { join } from 'node:path';
import { preparePrivateState } from '../adapters/system/open-private-state.ts';
import { openVaultIdentity } from '../adapters/system/open-vault-identity.ts';
import type { Config } from './config.ts';

/** Makes this folder part of the vault a store belongs to: from now on the store takes its snapshots. */
export function adoptVault(config: Config, vaultId: string): void {
  const state = preparePrivateState(join(config.vaultRoot, config.stateDir), config.vaultRoot);
  openVaultIdentity(state.directory).save(vaultId);
}
