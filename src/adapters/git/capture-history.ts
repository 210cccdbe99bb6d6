import { displayName } from '../../format/display-name.ts';
import { rawObjectId } from '../../format/git/object-id.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { Problem } from '../../model/problem.ts';
import type { GitState } from '../../model/snapshot.ts';
import type { HistoryCapture } from '../../ports/git-repository.ts';
import type { KnownObjects } from '../../ports/object-writer.ts';
import { captureObjects } from './capture-objects.ts';
import type { CaptureObjectsOptions } from './capture-run.ts';
import type { Repository } from './inspect-repository.ts';
import { findObjectFolders, fingerprintOf, listPacks } from './object-folders.ts';
import { readRepositoryState } from './read-state.ts';

export interface CaptureHistoryOptions extends CaptureObjectsOptions {
  readonly known: KnownObjects;
  readonly previousFingerprint: string | null;
}

/**
 * Captures refs first and objects after: a commit made meanwhile then adds an object too many, never a ref to one that
 * was missed. Null when the history cannot be read whole.
 */
export async function captureRepositoryHistory(
  repository: Repository,
  options: CaptureHistoryOptions,
): Promise<HistoryCapture | null> {
  const { state } = readRepositoryState(repository);
  if (state === null) return null;
  const found = findObjectFolders(repository.place.commonDir);
  // Taken before the objects are listed, so that whatever comes later makes it differ next time.
  const fingerprint = fingerprintQuietly(found.folders);
  const isPartial = repository.isPartialClone || found.folders.some(hasPromisorPack);
  const isKnown = (id: ObjectId): boolean => options.known.has(rawObjectId(id), 0);
  const isUnchanged =
    found.troubles.length === 0 &&
    fingerprint !== '' &&
    fingerprint === options.previousFingerprint &&
    (state.head === null || isKnown(state.head)) &&
    state.refs.every((ref) => isKnown(ref.id));
  if (isUnchanged) {
    const whole = { ...state, extraRoots: state.extraRoots.filter(isKnown), historyComplete: !isPartial };
    return { state: whole, copiedPacks: [], newObjectCount: 0, problems: [], notices: [], fingerprint };
  }
  const run = await captureObjects(found.folders, options);
  const problems: Problem[] = [
    ...found.troubles.map((trouble): Problem => ({ path: '', code: 'history_incomplete', message: trouble })),
    ...run.problems.map((problem): Problem => ({ path: '', ...problem })),
  ];
  const kept = keepPresent(state, (id) => options.writer.has(rawObjectId(id), 0));
  problems.push(...kept.problems);
  return {
    state: { ...kept.state, historyComplete: problems.length === 0 && !isPartial },
    copiedPacks: run.copiedPacks,
    newObjectCount: run.objectsDone - run.damaged.size,
    problems,
    notices: [],
    // What went wrong must be looked at, and said, every time.
    fingerprint: problems.length === 0 ? fingerprint : '',
  };
}

const namedMax = 20;

/** Drops refs and roots whose object is not there: whoever puts them back would get a broken repository. */
function keepPresent(
  state: GitState,
  isPresent: (id: ObjectId) => boolean,
): { readonly state: GitState; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const missing = state.refs.filter((ref) => !isPresent(ref.id));
  for (const ref of missing.slice(0, namedMax)) {
    const message = `The ref ${displayName(ref.name)} points to an object that cannot be read: ${ref.id}`;
    problems.push({ path: '', code: 'history_incomplete', message });
  }
  if (missing.length > namedMax) {
    const message = `${missing.length - namedMax} more refs point to objects that cannot be read. Run git fsck`;
    problems.push({ path: '', code: 'history_incomplete', message });
  }
  const isHeadGone = state.head !== null && !isPresent(state.head);
  if (isHeadGone) {
    const message = `HEAD points to a commit that cannot be read: ${state.head}`;
    problems.push({ path: '', code: 'history_incomplete', message });
  }
  return {
    state: {
      ...state,
      head: isHeadGone ? null : state.head,
      refs: missing.length === 0 ? state.refs : state.refs.filter((ref) => isPresent(ref.id)),
      // Reflogs outlive what they name; that is no damage.
      extraRoots: state.extraRoots.filter(isPresent),
    },
    problems,
  };
}

function fingerprintQuietly(folders: readonly string[]): string {
  try {
    return fingerprintOf(folders, Date.now());
  } catch {
    // Capturing meets the same trouble and reports it.
    return '';
  }
}

function hasPromisorPack(folder: string): boolean {
  try {
    return listPacks(folder).hasPromisor;
  } catch {
    return false;
  }
}
