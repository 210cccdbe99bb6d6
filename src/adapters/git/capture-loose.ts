import { join } from 'node:path';
import { rawObjectId } from '../../format/git/object-id.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { GitObject } from '../../ports/object-reader.ts';
import { addProblem, advance } from './capture-run.ts';
import type { CaptureRun } from './capture-run.ts';
import { readLooseObject } from './loose-object.ts';
import { clauseOf, listLoose, looseFolders } from './object-folders.ts';
import { packLargeObject } from './pack-large-object.ts';
import type { OneObjectPack } from './pack-large-object.ts';

export interface LoosePlan {
  readonly folder: string;
  readonly names: readonly ObjectId[];
}

/** Lists the loose objects of one object folder that the writer does not have. */
export function planLoose(run: CaptureRun, folder: string): readonly ObjectId[] {
  const unknown: ObjectId[] = [];
  for (const looseFolder of looseFolders) {
    run.signal?.throwIfAborted();
    try {
      for (const name of listLoose(folder, looseFolder)) {
        if (!run.writer.has(rawObjectId(name), 0)) unknown.push(name);
      }
    } catch (error) {
      addProblem(run, 'history_incomplete', `Loose objects are left out: ${clauseOf(error)}`);
    }
  }
  run.objectsTotal += unknown.length;
  return unknown;
}

/** Adds loose objects one by one. Packs come first: what is damaged here may be whole there. */
export async function captureLoose(run: CaptureRun, { folder, names }: LoosePlan): Promise<void> {
  let damaged = 0;
  for (const name of names) {
    if (run.writer.has(rawObjectId(name), 0)) continue;
    const read = await readChecked(join(folder, name.slice(0, 2), name.slice(2)), { name, signal: run.signal });
    if (read.kind === 'vanished') run.vanished.push(name);
    else if (read.kind === 'object') run.writer.add(read.object.type, read.object.content);
    else if (read.kind === 'pack') await copyOne(run, read.pack);
    else {
      run.damaged.add(name);
      if (++damaged <= namedMax) addProblem(run, read.code, `The loose object ${name} is left out: ${read.reason}`);
    }
    await advance(run, 1);
  }
  if (damaged > namedMax) {
    addProblem(run, 'history_damaged', `${damaged - namedMax} more loose objects are left out. Run git fsck`);
  }
}

type LooseRead =
  | { readonly kind: 'vanished' }
  | { readonly kind: 'object'; readonly object: GitObject }
  | { readonly kind: 'pack'; readonly pack: OneObjectPack }
  | { readonly kind: 'damaged'; readonly code: 'history_damaged' | 'history_incomplete'; readonly reason: string };

const namedMax = 20;

async function readChecked(
  path: string,
  options: { name: ObjectId; signal: AbortSignal | undefined },
): Promise<LooseRead> {
  try {
    const object = readLooseObject(path, options.name);
    if (object === null) return { kind: 'vanished' };
    return object === 'large'
      ? { kind: 'pack', pack: await packLargeObject(path, options) }
      : { kind: 'object', object };
  } catch (error) {
    options.signal?.throwIfAborted();
    // A full disk is ours to report: unpacking a large object needs room.
    if (isHoldfastError(error, 'disk_full', 'descriptors_exhausted')) throw error;
    const code = isHoldfastError(error, 'object_corrupt') ? 'history_damaged' : 'history_incomplete';
    return { kind: 'damaged', code, reason: clauseOf(error) };
  }
}

async function copyOne(run: CaptureRun, opened: OneObjectPack): Promise<void> {
  using pack = opened;
  run.copiedPacks.push(await run.writer.copyPack(pack, run.signal === undefined ? {} : { signal: run.signal }));
}
