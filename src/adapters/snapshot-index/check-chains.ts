import type { ChainLink } from '../../format/index-line.ts';
import type { IndexDamage } from '../../ports/snapshot-index.ts';

export interface LinkOnLine {
  readonly link: ChainLink;
  readonly line: number;
}

/**
 * Reports rows that were taken out: every row but a machine's first names the checksum of the one before it. Order in
 * the file does not matter (merges reorder), and two rows may follow one (two processes appending at once).
 */
export function checkChains(
  links: readonly LinkOnLine[],
  checksums: { has(checksum: string): boolean },
): IndexDamage[] {
  const damage: IndexDamage[] = [];
  for (const { link, line } of links) {
    if (link.previous === null || checksums.has(link.previous)) continue;
    damage.push({ line, reason: `row ${link.sequence - 1} of machine ${link.machine}, before this one, is missing` });
  }
  return damage;
}
