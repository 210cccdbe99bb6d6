import { formatCount } from '../format/size.ts';
import type { HealthReason } from '../model/health.ts';
import type { BurstHold } from './burst-hold.ts';

/** A burst nobody dealt with: the vault may be half empty, and nothing is pruned. */
export function burstReasons(hold: BurstHold | null): HealthReason[] {
  if (hold === null) return [];
  const { removed, rewritten, at } = hold;
  const what = `${formatCount(removed)} files vanished and ${formatCount(rewritten)} changed at once`;
  return [
    { colour: 'yellow', text: `${what} (${at.slice(0, 16)}Z); nothing is pruned meanwhile`, remedy: 'holdfast rescue' },
  ];
}
