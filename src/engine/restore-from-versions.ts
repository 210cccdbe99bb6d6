import { liveKeyOf, pathOfLiveKey } from '../format/live-key.ts';
import { livePrefix } from '../format/store-layout.ts';
import { displayName } from '../format/display-name.ts';
import type { ByteString } from '../lib/bytes.ts';
import { pathComponentProblem } from '../model/path-policy.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { StorageVersion } from '../ports/object-storage.ts';
import type { Deps } from './deps.ts';
import { objectPieces } from './object-pieces.ts';
import { assertHoldingIgnored } from './restore.ts';

export interface VersionsRestoreOptions {
  /** A file or folder. */
  readonly path: ByteString;
  /** The state at this time: of each file, the newest version written no later. */
  readonly at: Date;
  readonly signal?: AbortSignal | undefined;
}

export interface VersionsRestored {
  readonly directory: string;
  readonly files: number;
  readonly sizeBytes: number;
  readonly problems: readonly Problem[];
}

const plainPermissions = 0o644;

/**
 * Restores a file or folder from the versions that the storage keeps of the live mirror, into the holding directory. Needs no
 * record and no pack; times and modes are not kept there.
 * @throws {HoldfastError} `path_unknown` when the mirror had nothing there at that time
 */
export async function restoreFromVersions(deps: Deps, options: VersionsRestoreOptions): Promise<VersionsRestored> {
  const { path, at, signal } = options;
  const chosen = await chooseVersions(deps, options);
  if (chosen.length === 0) {
    throw new HoldfastError(
      'path_unknown',
      `The live mirror has no version of ${JSON.stringify(displayName(path))} from before ${at.toISOString()}.`,
      { hint: 'The mirror holds what was captured while "live" was on. Snapshots may have it: holdfast log PATH' },
    );
  }
  await deps.holdingArea.prepare();
  await assertHoldingIgnored(deps);
  const stamp = at.toISOString().slice(0, 19).replaceAll(':', '-');
  await using writer = await deps.holdingArea.begin(`versions-${stamp}Z`);
  const problems: Problem[] = [];
  let sizeBytes = 0;
  const folders = new Set<ByteString>();
  for (const { file, version } of chosen) {
    signal?.throwIfAborted();
    const parts = file.split('/').slice(0, -1);
    parts.forEach((_, i) => {
      const folder = parts.slice(0, i + 1).join('/');
      if (!folders.has(folder)) writer.createFolder(folder);
      folders.add(folder);
    });
    const target = { path: file, permissions: plainPermissions, mtimeMs: version.modifiedAt?.getTime() ?? null };
    problems.push(...(await writer.writeFile(target, objectPieces(deps.storage, version, signal))));
    sizeBytes += version.sizeBytes;
  }
  const finished = await writer.finish({ whole: problems.length === 0 });
  return {
    directory: finished.directory,
    files: chosen.length,
    sizeBytes,
    problems: [...problems, ...finished.problems],
  };
}

interface Chosen {
  readonly file: ByteString;
  readonly version: StorageVersion;
}

/** Of each key below the path, the version that was current then; deleted ones had none. */
async function chooseVersions(deps: Deps, { path, at, signal }: VersionsRestoreOptions): Promise<readonly Chosen[]> {
  const key = path === '' ? livePrefix : liveKeyOf(path);
  if (key === null) return [];
  const chosen: Chosen[] = [];
  let settled: string | null = null;
  for await (const version of deps.storage.versions(key, { signal })) {
    // Newest first: the first of a key that is old enough decides, a deletion included.
    if (version.key === settled || (version.modifiedAt !== null && version.modifiedAt > at)) continue;
    settled = version.key;
    const file = pathOfLiveKey(version.key);
    if (file === null || version.isDeleteMarker || !isSafe(file)) continue;
    if (path === '' || file === path || file.startsWith(`${path}/`)) chosen.push({ file, version });
  }
  return chosen;
}

/** A bucket is hostile input: nothing that could lead out of the restore's folder is taken from a key. */
function isSafe(file: ByteString): boolean {
  return file.split('/').every((name) => pathComponentProblem(name) === null);
}
