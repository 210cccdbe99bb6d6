import { openTrustBook } from '../adapters/system/open-trust-book.ts';
import type { OutsideAction } from '../model/outside.ts';
import type { TrustBook } from '../ports/trust-book.ts';
import type { Config } from './config.ts';

/** Everything the settings of a vault ask this machine to do outside it, in the order of the settings. */
export function outsideActionsOf(config: Pick<Config, 'hooks' | 'alerts' | 'git'>): readonly OutsideAction[] {
  const { hooks, alerts, git } = config;
  const actions: OutsideAction[] = [];
  for (const name of ['preSnapshot', 'postSnapshot', 'onAlert'] as const) {
    for (const { run } of hooks[name]) actions.push({ setting: `hooks.${name}`, words: run });
  }
  if (alerts.command !== undefined) actions.push({ setting: 'alerts.command', words: alerts.command });
  if (alerts.webhook !== undefined) actions.push({ setting: 'alerts.webhook', words: [alerts.webhook] });
  if (alerts.heartbeat !== undefined) actions.push({ setting: 'alerts.heartbeat', words: [alerts.heartbeat] });
  if (git.autoPush) actions.push(autoPushAction);
  return actions;
}

/** A push runs what the repository's own settings and hooks say. */
export const autoPushAction: OutsideAction = { setting: 'git.autoPush', words: ['git', 'push'] };

/** Opens what the person of this machine approved for this vault. */
export function openTrust(config: Pick<Config, 'dataRoot' | 'vaultRoot'>, now: () => Date): TrustBook {
  return openTrustBook({ dataRoot: config.dataRoot, vaultRoot: config.vaultRoot, now });
}
