import { encodeRecord } from '../format/snapshot-record.ts';
import { isSameGitState } from '../model/git-state.ts';
import type { Label, SnapshotId } from '../model/ids.ts';
import type { Notice, Problem } from '../model/problem.ts';
import { newestOfMachine, type RestorePoint } from '../model/restore-point.ts';
import type { GitState, SnapshotKind } from '../model/snapshot.ts';
import type { HistoryCapture } from '../ports/git-repository.ts';
import type { OpenedReader } from '../ports/object-access.ts';
import type { ObjectWriter } from '../ports/object-writer.ts';
import type { SpooledSnapshot } from '../ports/spool.ts';
import type { Scan, StatCache } from '../ports/working-tree.ts';
import { type BuiltTrees, buildTrees } from './build-trees.ts';
import { type ChangeCounts, countChangesSince } from './count-changes.ts';
import type { Deps } from './deps.ts';
import { makeRecord } from './make-record.ts';
import { addCommits } from './snapshot-commits.ts';
import { rebuildTrees } from './rebuild-trees.ts';
import { cacheGeneration, openPointReader, type StoreView } from './store-view.ts';
import { forgetMissing, loadTrustedCache } from './trusted-cache.ts';
import type { WarmVault } from './warm-vault.ts';
import type { CaptureAdvice, CaptureChanges } from './watch/extensions.ts';

export interface CaptureOptions {
  readonly label: Label | null;
  readonly kind: SnapshotKind;
  readonly signal?: AbortSignal | undefined;
  /** What a process that stays keeps between captures; without it, the stat cache's file is read and written. */
  readonly warm?: WarmVault | undefined;
  /** Told what changed before anything is written; may name the snapshot. */
  readonly onChanges?: ((changes: CaptureChanges) => Promise<CaptureAdvice | null>) | undefined;
}

export type Capture =
  | { readonly kind: 'taken'; readonly spooled: SpooledSnapshot }
  | {
      readonly kind: 'unchanged';
      readonly latest: SnapshotId;
      readonly problems: readonly Problem[];
      readonly notices: readonly Notice[];
    };

/** What reading the files brought to light. */
interface Findings {
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
}

/** What one capture knows after looking, before anything is written. */
interface Survey {
  readonly takenAt: Date;
  readonly startedMs: number;
  readonly previous: RestorePoint | null;
  readonly cache: StatCache | null;
  /** The cache is of the previous snapshot, and what that rests on is still in the store. */
  readonly isCacheCurrent: boolean;
  /** The cache is of the previous snapshot. */
  readonly isExact: boolean;
  readonly scan: Scan;
  /** A process that stays needs the tree of this scan whatever came of it: it has none, one that is worn, or looked at everything. */
  readonly wantsTree: boolean;
  readonly git: GitState | null;
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
}

/**
 * Captures the vault into the spool: scan, read what changed, trees, history, commits, record. Stores nothing when
 * there is no label and neither files nor the repository's refs changed since this machine's previous snapshot.
 */
export async function captureVault(deps: Deps, view: StoreView, options: CaptureOptions): Promise<Capture> {
  const survey = await surveyVault(deps, view, options);
  const { previous, cache, isCacheCurrent, scan } = survey;
  const isAsked = options.label !== null || previous === null || !isSameGitState(survey.git, previous.record.git);
  // Our own log is dirty after every command; that alone is no change.
  if (!isAsked && isCacheCurrent && !scan.changed && !survey.wantsTree) return unchanged(survey);

  // Away from the store, what it alone knows the contents of counts as absent: captured twice rather than not at all.
  const { signal } = options;
  const opened = await openPointReader(deps, view.points, { skipUnreachable: true, signal });
  await using draft = await deps.spool.begin();
  await using writer = deps.objects.openWriter(draft.directory, opened.known);
  const read = await readFiles(deps, { survey, opened, writer, mustCheckIds: !isCacheCurrent, options });
  const trees = treesOf(survey, writer);
  const changes = await countChangesSince({
    previous,
    base: survey.isExact ? cache!.tree : null,
    tree: scan.tree,
    reader: opened.reader,
    logFolder: deps.settings.logFolder,
    signal: options.signal,
  });
  if (!isAsked && !changes.anything) {
    // The draft goes, and with it whatever was read into it (our own log is no change): its ids must not be believed later.
    forgetMissing(scan, opened.known);
    await saveCache(deps, {
      survey,
      snapshotId: previous!.record.id,
      generation: cacheGeneration(view),
      history: null,
      warm: options.warm,
    });
    return unchanged(survey, read);
  }
  const mustLook = !isCacheCurrent && !isOnlyPruned(view, survey);
  const history = await captureHistory(deps, { survey, opened, writer, options, mustLook });
  const git = history?.state ?? survey.git;
  const label = options.label ?? (await adviceOf(options, { previous, changes })) ?? defaultLabel(deps, options.kind);
  const commits = addCommits(writer, trees, { identity: deps.identity, takenAt: survey.takenAt, label, git });
  const packs = [...(history?.copiedPacks ?? []), ...(await sealPacks(deps, writer, options))];
  const record = makeRecord(deps, {
    view,
    label,
    kind: options.kind,
    takenAt: survey.takenAt,
    durationMs: deps.clock.monotonicMs() - survey.startedMs,
    previous,
    scan,
    trees,
    commits,
    changes,
    packs,
    git,
    problems: [...survey.problems, ...read.problems, ...(history?.problems ?? [])],
    notices: [...survey.notices, ...read.notices, ...(history?.notices ?? [])],
  });
  const spooled = await draft.finish(record, encodeRecord(record));
  deps.events.emit({ type: 'snapshot_captured', id: record.id });
  const { warm } = options;
  await saveCache(deps, { survey, snapshotId: record.id, generation: cacheGeneration(view), history, warm });
  return { kind: 'taken', spooled };
}

/**
 * Since the cache was made nothing happened to the store but prune, and nothing to the repository's refs: what prune kept for the
 * previous snapshot is all they lead to. What it dropped (objects nothing leads to) is not to be captured again.
 */
function isOnlyPruned(view: StoreView, { cache, previous, git }: Survey): boolean {
  return (
    view.damagedSpool.length === 0 &&
    previous !== null &&
    cache?.storeGeneration.split('.')[0] === String(view.generation) &&
    isSameGitState(git, previous.record.git)
  );
}

async function surveyVault(deps: Deps, view: StoreView, options: CaptureOptions): Promise<Survey> {
  const takenAt = deps.clock.now();
  const startedMs = deps.clock.monotonicMs();
  const previous = newestOfMachine(view.points, deps.identity.machine.id);
  const warmCache = previous === null ? null : (options.warm?.cacheOf(previous.record.id, deps.storage.url) ?? null);
  const { cache, isExact } =
    warmCache === null ? await loadTrustedCache(deps, previous) : { cache: warmCache, isExact: true };
  const marked = options.warm?.foldersToScan() ?? null;
  // Folders are only enough where all else is as it was kept, and the store still has what that rests on.
  const wantsTree = options.warm !== undefined && (marked === null || warmCache === null || options.warm.isWorn);
  // After packs went away, or a spooled snapshot was lost, an id in the cache no longer proves that its bytes are kept.
  const isKept = cache?.storeGeneration === cacheGeneration(view) && view.damagedSpool.length === 0;
  const { state: git, notices } = deps.settings.captureHistory
    ? await deps.repository.readState()
    : { state: null, notices: [] };
  deps.events.emit({ type: 'phase_started', phase: 'scan' });
  const scan = await deps.workingTree.scan({
    base: cache,
    onlyFolders: isKept && !wantsTree ? marked : null,
    ignore: await deps.repository.ignoreSources(),
    tracked: await deps.repository.trackedPaths(),
    signal: options.signal,
    onProgress: (done) => deps.events.emit({ type: 'progress', phase: 'scan', done, total: null, unit: 'files' }),
  });
  options.warm?.scanned(scan);
  return {
    takenAt,
    startedMs,
    previous,
    cache,
    isExact,
    isCacheCurrent: isExact && isKept,
    wantsTree,
    scan,
    git,
    problems: scan.problems,
    notices: [...notices, ...scan.notices],
  };
}

async function readFiles(
  deps: Deps,
  work: { survey: Survey; opened: OpenedReader; writer: ObjectWriter; mustCheckIds: boolean; options: CaptureOptions },
): Promise<Findings> {
  const { scan } = work.survey;
  const dirty = work.mustCheckIds ? forgetMissing(scan, work.opened.known) : scan.dirty;
  deps.events.emit({ type: 'phase_started', phase: 'capture' });
  return deps.workingTree.ingest({
    scan: { ...scan, dirty },
    writer: work.writer,
    known: work.opened.known,
    signal: work.options.signal,
    onProgress: (done) => {
      deps.events.emit({ type: 'progress', phase: 'capture', done, total: dirty.length, unit: 'files' });
    },
  });
}

async function captureHistory(
  deps: Deps,
  work: { survey: Survey; opened: OpenedReader; writer: ObjectWriter; options: CaptureOptions; mustLook: boolean },
): Promise<HistoryCapture | null> {
  if (work.survey.git === null) return null;
  deps.events.emit({ type: 'phase_started', phase: 'history' });
  return deps.repository.captureHistory({
    writer: work.writer,
    known: work.opened.known,
    // After the store lost packs, a repository that looks as before may still lack objects there.
    previousFingerprint: work.mustLook ? null : (work.survey.cache?.historyFingerprint ?? null),
    signal: work.options.signal,
    onProgress: (done, total) => deps.events.emit({ type: 'progress', phase: 'history', done, total, unit: 'objects' }),
  });
}

async function sealPacks(deps: Deps, writer: ObjectWriter, options: CaptureOptions) {
  deps.events.emit({ type: 'phase_started', phase: 'seal' });
  return writer.seal(options.signal === undefined ? {} : { signal: options.signal });
}

/** The cache follows the capture, never the upload: the spool already holds everything its ids name. */
async function saveCache(
  deps: Deps,
  state: {
    survey: Survey;
    snapshotId: SnapshotId;
    generation: string;
    history: HistoryCapture | null;
    warm: WarmVault | undefined;
  },
): Promise<void> {
  const { survey, history, warm } = state;
  const cache: StatCache = {
    tree: survey.scan.tree,
    memory: survey.scan.memory,
    snapshotId: state.snapshotId,
    storeId: deps.storage.url,
    storeGeneration: state.generation,
    historyFingerprint: history === null ? (survey.cache?.historyFingerprint ?? null) : history.fingerprint,
  };
  const isWhole = survey.scan.part === undefined;
  if (warm === undefined || warm.keep(cache, { isWhole })) await deps.statCache.save(cache);
}

function treesOf({ scan, cache, previous }: Survey, writer: ObjectWriter): BuiltTrees {
  const { tree, part } = scan;
  if (part === undefined || cache === null) return buildTrees(tree, writer, cache?.tree ?? null);
  return rebuildTrees({ tree, part }, writer, { base: cache.tree, counts: previous!.record.counts });
}

async function adviceOf(
  { onChanges }: CaptureOptions,
  found: { previous: RestorePoint | null; changes: ChangeCounts },
): Promise<Label | null> {
  const { previous, changes } = found;
  const { added, changed, removed } = changes;
  const counts = previous?.record.counts;
  const filesBefore = (counts?.files ?? 0) + (counts?.links ?? 0);
  return (await onChanges?.({ previous, added, changed, removed, filesBefore }))?.label ?? null;
}

/** Files that could not be read are no change since they could not be read before, and still are not protected (P2). */
function unchanged(survey: Survey, read: Findings = { problems: [], notices: [] }): Capture {
  return {
    kind: 'unchanged',
    latest: survey.previous!.record.id,
    problems: [...survey.problems, ...read.problems],
    notices: [...survey.notices, ...read.notices],
  };
}

function defaultLabel(deps: Deps, kind: SnapshotKind): Label {
  return (kind === 'auto' ? `auto-${deps.identity.machine.name}` : kind) as Label;
}
