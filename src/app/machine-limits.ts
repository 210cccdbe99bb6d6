import { type MachineFacts, readMachineFacts } from '../adapters/system/open-machine-facts.ts';
import type { Config } from './config.ts';

/** What of this machine decides whether the vault can be watched and captured. */
export function machineLimits(config: Config, env: Readonly<Record<string, string | undefined>>): MachineFacts {
  const keyFile = config.keyFile ?? env['HOLDFAST_KEY_FILE'];
  return readMachineFacts(keyFile === undefined || keyFile === '' ? [] : [keyFile]);
}
