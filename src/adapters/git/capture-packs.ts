import { closeSync, fstatSync, openSync } from 'node:fs';
import { idBytes, objectIdAt } from '../../format/git/object-id.ts';
import type { PackAccess } from '../../format/git/pack-access.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { GitObject } from '../../ports/object-reader.ts';
import { addProblem, advance } from './capture-run.ts';
import type { CaptureRun } from './capture-run.ts';
import { openLocalPack, readPackNames, regularFileFlags } from './local-pack.ts';
import type { LocalPack } from './local-pack.ts';
import { clauseOf, listPacks } from './object-folders.ts';
import type { PackFiles } from './object-folders.ts';
import { isAbsent, lstatIfThere } from './read-git-file.ts';

export interface PackPlan {
  readonly files: PackFiles;
  /** Objects in it. */
  readonly count: number;
  /** Objects of it that the writer did not have when the plan was made. */
  readonly unknown: number;
}

/** Lists the packs of one object folder that hold something new. */
export function planPacks(run: CaptureRun, folder: string): PackPlan[] {
  const plans: PackPlan[] = [];
  try {
    const { packs, oddNames } = listPacks(folder);
    if (oddNames > 0) {
      const message = `${oddNames} packs are left out: git would not have named them so. Run git repack -ad`;
      addProblem(run, 'history_incomplete', message);
    }
    for (const files of packs) {
      const plan = planPack(run, files);
      if (plan !== null && plan.unknown > 0) plans.push(plan);
    }
  } catch (error) {
    run.signal?.throwIfAborted();
    addProblem(run, 'history_incomplete', `Packs are left out: ${clauseOf(error)}`);
  }
  for (const plan of plans) run.objectsTotal += plan.unknown;
  return plans;
}

/** Takes what is new in a pack: the whole pack when most of it is, else one object after the other. */
export async function capturePack(run: CaptureRun, { files }: PackPlan): Promise<void> {
  // Packs taken before this one may have had some of its objects.
  const plan = planPack(run, files);
  if (plan === null || plan.unknown === 0) return;
  const isMostlyNew = plan.unknown * 2 > plan.count;
  if (isMostlyNew && (await copyPack(run, plan))) return;
  // Of a damaged pack, everything that is still whole is worth keeping.
  const failed = await addFromPack(run, files);
  if (failed.length === 0) return;
  // Objects too large for memory come with a copy of the pack; damaged ones do not.
  if (!isMostlyNew && (await copyPack(run, { ...plan, unknown: failed.length }))) return;
  for (const id of failed) run.damaged.add(id);
  const more = failed.length > 3 ? ` and ${failed.length - 3} more` : '';
  const names = failed.slice(0, 3).join(', ') + more;
  addProblem(run, 'history_damaged', `The pack ${files.name} is damaged; left out: ${names}. Run git fsck`);
}

function planPack(run: CaptureRun, files: PackFiles): PackPlan | null {
  run.signal?.throwIfAborted();
  try {
    let count = 0;
    let unknown = 0;
    for (const names of readPackNames(files)) {
      for (let at = 0; at < names.length; at += idBytes) if (!run.writer.has(names, at)) unknown++;
      count += names.length / idBytes;
    }
    return { files, count, unknown };
  } catch (error) {
    if (isAbsent(error)) run.vanished.push(files.name);
    else addProblem(run, 'history_damaged', `The pack ${files.name} is left out: ${clauseOf(error)}`);
    return null;
  }
}

/** Copies a pack unchanged; false when it is damaged or cannot be read, which is for the caller to mend or report. */
async function copyPack(run: CaptureRun, { files, unknown }: PackPlan): Promise<boolean> {
  try {
    // The copy opens what it is given; a FIFO in the place of a pack would hang it.
    const fd = openSync(files.packPath, regularFileFlags);
    const isFile = fstatSync(fd).isFile();
    closeSync(fd);
    if (!isFile) return false;
  } catch (error) {
    if (!isAbsent(error)) return false;
    run.vanished.push(files.name);
    return true;
  }
  try {
    run.copiedPacks.push(await run.writer.copyPack(files, run.signal === undefined ? {} : { signal: run.signal }));
  } catch (error) {
    run.signal?.throwIfAborted();
    if (isGone(files)) {
      run.vanished.push(files.name);
      return true;
    }
    // Anything else is trouble of our own disk. `local_io` may be either's: writing single objects will tell.
    if (isHoldfastError(error, 'pack_corrupt', 'object_corrupt', 'local_io')) return false;
    throw error;
  }
  await advance(run, unknown);
  return true;
}

/** Adds the unknown objects of a pack one by one; returns the names of those that could not be read. */
async function addFromPack(run: CaptureRun, files: PackFiles): Promise<readonly string[]> {
  let opened: LocalPack;
  try {
    opened = openLocalPack(files);
  } catch (error) {
    if (isGone(files)) run.vanished.push(files.name);
    else leaveOut(run, files, clauseOf(error));
    return [];
  }
  using pack = opened;
  const { packIndex } = pack.access;
  const failed: string[] = [];
  // In the order they lie in, so that most bases of deltas are read once.
  for (const position of packIndex.byOffset()) {
    if (run.writer.has(packIndex.bytes, packIndex.idStart(position))) continue;
    const object = await readQuietly(pack.access, position);
    if (object === null) failed.push(packIndex.idAt(position));
    else run.writer.add(object.type, object.content);
    await advance(run, 1);
  }
  return failed;
}

async function readQuietly(access: PackAccess, position: number): Promise<GitObject | null> {
  try {
    return await access.read(position);
  } catch {
    return null;
  }
}

function leaveOut(run: CaptureRun, files: PackFiles, reason: string): void {
  addProblem(run, 'history_damaged', `The pack ${files.name} is left out: ${reason}`);
  try {
    for (const names of readPackNames(files)) {
      for (let at = 0; at < names.length; at += idBytes) {
        if (!run.writer.has(names, at)) run.damaged.add(objectIdAt(names, at));
      }
    }
  } catch {
    // The pack is reported already; its names only sharpen what is said about refs.
  }
}

function isGone({ packPath, indexPath }: PackFiles): boolean {
  return lstatIfThere(packPath) === null || lstatIfThere(indexPath) === null;
}
