import type { IndexRow } from '../model/index-row.ts';
import type { PackRef } from '../model/snapshot.ts';
import type { Random } from '../ports/clock.ts';

/**
 * How deep to look. `sample` is the share of packs to read, drawn at random, 0 to 1. `rolling` reads what was never proved, and
 * of the rest that share of all bytes whose last proof is oldest: shares that add up to 1 in a month read every byte in it.
 */
export type VerifyDepth = 'quick' | 'new' | 'full' | { readonly sample: number } | { readonly rolling: number };

/** Chooses the packs to read every byte of; `rows` are those of the index. */
export function choosePacks(
  packs: readonly PackRef[],
  options: {
    readonly depth: VerifyDepth;
    /** The store's address: what was proved in another says nothing of this one. */
    readonly store: string;
    readonly rows: readonly IndexRow[];
    readonly random: Random;
  },
): readonly PackRef[] {
  const { depth, store, rows, random } = options;
  if (depth === 'quick') return [];
  if (depth === 'full') return packs;
  if (typeof depth === 'object' && 'sample' in depth) {
    const wanted = packs.filter(() => Buffer.from(random.bytes(4)).readUInt32LE() / 2 ** 32 < depth.sample);
    // A sample that happens to be empty would prove nothing and still say "fine".
    return wanted.length > 0 ? wanted : packs.slice(-1);
  }
  const provedAt = new Map<string, string>();
  for (const { at, event } of rows) {
    if (event.event !== 'verify' || event.store !== store) continue;
    for (const key of event.proved) provedAt.set(key, at);
  }
  const unproved = packs.filter(({ key }) => !provedAt.has(key));
  if (depth === 'new') return unproved;
  const oldestFirst = packs
    .filter(({ key }) => provedAt.has(key))
    .toSorted((a, b) => (provedAt.get(a.key)! < provedAt.get(b.key)! ? -1 : 1));
  const wantedBytes = depth.rolling * packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const chosen = [...unproved];
  let chosenBytes = 0;
  for (const pack of oldestFirst) {
    if (chosenBytes >= wantedBytes) break;
    chosen.push(pack);
    chosenBytes += pack.sizeBytes;
  }
  return chosen;
}
