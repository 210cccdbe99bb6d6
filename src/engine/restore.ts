import { displayName } from '../format/display-name.ts';
import type { ByteString } from '../lib/bytes.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { HoldingWriter } from '../ports/holding-area.ts';
import type { ObjectReader } from '../ports/object-reader.ts';
import type { Deps } from './deps.ts';
import { createProver } from './prove-files.ts';
import { planRestore, type RestorePlan } from './restore-plan.ts';
import { writeFiles } from './write-files.ts';

export interface RestoreOptions {
  readonly point: RestorePoint;
  /** Over every pack the point may need. */
  readonly reader: ObjectReader;
  /** Files or folders, byte paths without slashes at the ends; null for everything. */
  readonly paths: readonly ByteString[] | null;
  /** Read, hash and check everything that a restore would, and write nothing. */
  readonly validateOnly?: boolean | undefined;
  /** A drill: what is restored is thrown away again, so the index says nothing of it. */
  readonly isRehearsal?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RestoreOutcome {
  /** Absolute path of the new folder (its name ends in `.INCOMPLETE` unless whole); null when only validated. */
  readonly directory: string | null;
  /** Files and links that are there now (or were proved). */
  readonly files: number;
  readonly folders: number;
  readonly sizeBytes: number;
  readonly problems: readonly Problem[];
  /** Every file, link and folder asked for is there, if not always under its own name. */
  readonly complete: boolean;
  /** Paths whose data is damaged or missing in the store: an integrity failure, not a limit of this file system. */
  readonly damaged: number;
  readonly durationMs: number;
}

/**
 * Restores a snapshot, or some paths of it, into a new folder of the holding directory: plan, check space and names, write,
 * prove, rename. What the store cannot give is a problem, and the folder then keeps its name ending in `.INCOMPLETE`, as it does
 * when this fails or is stopped. Nothing live is touched.
 * @throws {HoldfastError} as `planRestore`; `holding_not_ignored`, `disk_full`, `restore_too_large`, `directory_unusable` before
 * anything is written
 */
export async function restoreSnapshot(deps: Deps, options: RestoreOptions): Promise<RestoreOutcome> {
  const startedMs = deps.clock.monotonicMs();
  const plan = await planWithEvents(deps, options);
  const phaseStartedMs = deps.clock.monotonicMs();
  deps.events.emit({ type: 'phase_started', phase: 'restore' });
  const written = options.validateOnly === true ? await prove(deps, plan, options) : await write(deps, plan, options);
  const nowMs = deps.clock.monotonicMs();
  deps.events.emit({ type: 'phase_finished', phase: 'restore', durationMs: Math.round(nowMs - phaseStartedMs) });

  const problems = [...plan.problems, ...written.problems];
  const damaged = problems.filter((problem) => problem.code === 'damaged').length;
  const outcome: RestoreOutcome = {
    directory: written.directory,
    files: written.files,
    folders: plan.folders.length - 1,
    sizeBytes: written.sizeBytes,
    problems,
    complete: damaged === 0 && problems.every((problem) => problem.code !== 'not_restored'),
    damaged,
    durationMs: Math.round(nowMs - startedMs),
  };
  if (outcome.directory !== null && options.isRehearsal !== true) await appendRow(deps, options, outcome);
  return outcome;
}

/** Name of the folder a restore lands in: what was restored and when it was captured, plain ASCII. */
export function restoreName(point: RestorePoint, paths: readonly ByteString[] | null): string {
  const when = point.record.id.slice(0, 'yyyy-mm-ddThh:mm:ssZ'.length).replaceAll(':', '-');
  if (paths === null) return `all-${when}`;
  const others = paths.length > 1 ? `-and-${paths.length - 1}-more` : '';
  const what = paths[0]!
    .replaceAll('/', '-')
    .replaceAll(/[^\w.-]+/g, '_')
    .replace(/^[.-]+/, '')
    .slice(0, 80);
  return `${what === '' ? 'path' : what}${others}-${when}`;
}

interface Written {
  readonly directory: string | null;
  readonly files: number;
  readonly sizeBytes: number;
  readonly problems: readonly Problem[];
}

async function planWithEvents(deps: Deps, options: RestoreOptions): Promise<RestorePlan> {
  const { point, reader, paths, signal } = options;
  const startedMs = deps.clock.monotonicMs();
  deps.events.emit({ type: 'phase_started', phase: 'plan' });
  const plan = await planRestore(reader, {
    tree: point.record.tree,
    metadata: point.record.metadata,
    paths,
    signal,
    onProgress: (done) => deps.events.emit({ type: 'progress', phase: 'plan', done, total: null, unit: 'files' }),
  });
  const durationMs = Math.round(deps.clock.monotonicMs() - startedMs);
  deps.events.emit({ type: 'phase_finished', phase: 'plan', durationMs });
  return plan;
}

async function prove(deps: Deps, plan: RestorePlan, options: RestoreOptions): Promise<Written> {
  const result = await writeFiles(deps, plan, { ...options, target: createProver(), sizeBytesMax: null });
  return { directory: null, ...result };
}

async function write(deps: Deps, plan: RestorePlan, options: RestoreOptions): Promise<Written> {
  await deps.holdingArea.prepare();
  await assertHoldingIgnored(deps);
  const freeBytes = await deps.holdingArea.freeBytes();
  assertSpace(plan, { freeBytes, options });
  options.signal?.throwIfAborted();

  await using writer = await deps.holdingArea.begin(restoreName(options.point, options.paths));
  try {
    const result = await writeFiles(deps, plan, { ...options, target: writer, sizeBytesMax: freeBytes });
    setFolders(plan, writer);
    const isWhole = [...plan.problems, ...result.problems].every(
      ({ code }) => code !== 'damaged' && code !== 'not_restored',
    );
    const finished = await writer.finish({ whole: isWhole });
    return { ...result, directory: finished.directory, problems: [...result.problems, ...finished.problems] };
  } catch (error) {
    throw withDirectory(error, writer.directory);
  }
}

/** Folders the snapshot knows nothing of, because they only lead to what was asked for, stay private. */
function setFolders(plan: RestorePlan, writer: HoldingWriter): void {
  for (const { path, permissions, mtimeMs } of plan.folders) {
    if (path !== '' && permissions !== null) writer.setFolder(path, permissions, mtimeMs);
  }
}

/** Restored files must not turn up in the user's next commit, nor in the next snapshot's list of untracked files. */
export async function assertHoldingIgnored(deps: Deps): Promise<void> {
  const { name } = deps.holdingArea;
  const tracked = await deps.repository.trackedPaths();
  const isTracked = tracked !== null && tracked.load().hasFolder(name);
  if (!isTracked && (await deps.repository.ignoresFolder(`${name}/restored`))) return;
  throw new HoldfastError(
    'holding_not_ignored',
    isTracked
      ? `Files in the holding directory ${name}/ are tracked by git; a restore there could end up in a commit.`
      : `Git would not ignore the holding directory ${name}/; a restore there could end up in a commit.`,
    {
      hint: isTracked
        ? `Run: git rm -r --cached ${name}  and add this line to .gitignore:  /${name}/`
        : `Add this line at the end of .gitignore:  /${name}/`,
      data: { line: `/${name}/` },
    },
  );
}

/** Compressed sizes are known for certain, real ones from the record when all of it is restored: the larger must fit. */
function assertSpace(plan: RestorePlan, sizes: { freeBytes: number | null; options: RestoreOptions }): void {
  const { freeBytes, options } = sizes;
  if (freeBytes === null) return;
  const recorded = options.paths === null ? options.point.record.counts.sizeBytes : 0;
  const neededBytes = Math.max(plan.storedBytes, recorded);
  if (neededBytes <= freeBytes) return;
  throw new HoldfastError(
    'disk_full',
    `The restore needs ${neededBytes} bytes, and the file system of the vault has ${freeBytes} free.`,
    { hint: 'Free some space, or restore single paths.', data: { neededBytes, freeBytes } },
  );
}

function withDirectory(error: unknown, directory: string): unknown {
  if (!isHoldfastError(error)) return error;
  const kept = `What was restored so far is in ${displayName(directory.split('/').at(-1)!)}`;
  return new HoldfastError(error.code, error.message, {
    cause: error.cause ?? error,
    data: { ...error.data, directory },
    hint: error.hint === undefined ? kept : `${error.hint} ${kept}`,
  });
}

/** As many of the paths as a row should hold. */
function pathsFor(paths: readonly ByteString[] | null): ByteString {
  const all = (paths ?? []).join('\n');
  if (all.length <= rowPathBytesMax) return all;
  const cut = all.lastIndexOf('\n', rowPathBytesMax);
  return all.slice(0, cut < 0 ? rowPathBytesMax : cut);
}

const rowPathBytesMax = 16 * 1024;

async function appendRow(deps: Deps, options: RestoreOptions, outcome: RestoreOutcome): Promise<void> {
  await deps.snapshotIndex.append({
    event: 'restore',
    id: options.point.record.id,
    path: pathsFor(options.paths),
    into: outcome.directory!.split(/[/\\]/).at(-1)!,
    files: outcome.files,
    sizeBytes: outcome.sizeBytes,
    complete: outcome.complete,
    durationMs: outcome.durationMs,
  });
}
