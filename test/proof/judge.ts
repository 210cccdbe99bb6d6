import { rmSync } from 'node:fs';
import type { Deps } from '../../src/engine/deps.ts';
import { restoreSnapshot } from '../../src/engine/restore.ts';
import { loadStoreView, openPointReader } from '../../src/engine/store-view.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { type Content, differences, restoredContent } from './world.ts';

/** What must be true of a vault and its store once a command has ended, however it ended. */
export interface Promised {
  /** Acknowledged snapshots by label, with what they must give back (P1). */
  readonly kept: ReadonlyMap<string, Content>;
  /** A snapshot with any other label must hold this: what the vault was when the command ran. */
  readonly live: Content;
  /** The store is byte for byte what it was: its snapshots are proved in place, and not written out to be compared. */
  readonly isStoreUntouched?: boolean;
  /** Only snapshots with these labels are written out and compared; the others are proved in place. */
  readonly compared?: readonly string[];
  /** Labels several snapshots of different contents may have. */
  readonly notCompared?: RegExp;
}

/**
 * Reads everything back as the next command of this machine would: every restore point is whole and gives back the very
 * bytes, every acknowledged one is among them, and the store proves itself. Returns what is not so, one line each.
 */
export async function judge(deps: Deps, promised: Promised): Promise<string[]> {
  const wrong: string[] = [];
  const view = await loadStoreView(deps, { refresh: 'always' });
  if (view.unreachable !== null) wrong.push(`the store cannot be read: ${view.unreachable.message}`);
  for (const { id, reason } of view.invalid) wrong.push(`P3: half visible: ${id}: ${reason}`);
  for (const id of view.missing) wrong.push(`P1: ${id} is gone`);
  for (const { directory, reason } of view.damagedSpool)
    wrong.push(`P3: damaged in the spool: ${directory}: ${reason}`);
  const labels = new Set<string>(view.points.map(({ record }) => record.label));
  for (const label of promised.kept.keys()) {
    if (!labels.has(label)) wrong.push(`P1: the acknowledged snapshot "${label}" is not there`);
  }
  const { reader } = await openPointReader(deps, view.points);
  for (const point of view.points) {
    const { label } = point.record;
    const isAnonymous = label === 'manual' || promised.notCompared?.test(label) === true;
    const validateOnly =
      isAnonymous || promised.isStoreUntouched === true || promised.compared?.includes(label) === false;
    const outcome = await restoreSnapshot(deps, { point, reader, paths: null, validateOnly });
    for (const { path, code } of outcome.problems) wrong.push(`P1: "${label}" ${JSON.stringify(path)}: ${code}`);
    if (outcome.directory === null) continue;
    const unlike = differences(promised.kept.get(label) ?? promised.live, restoredContent(outcome.directory));
    wrong.push(...unlike.slice(0, 5).map((line) => `P1: "${label}" differs: ${line}`));
    rmSync(outcome.directory, { recursive: true, force: true });
  }
  if (promised.isStoreUntouched === true) return wrong;
  const { findings } = await verifyStore(deps, { depth: 'full' });
  for (const { key, message } of findings) wrong.push(`P8: verify: ${key}: ${message}`);
  return wrong;
}
