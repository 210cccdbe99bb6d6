import type {
  CapturedFile,
  FileStep,
  FolderState,
  FolderStep,
  PlacedFile,
  RollbackJournal,
} from '../../format/rollback-journal.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { entryFlags, modeBits, type VaultTree } from '../../model/vault-tree.ts';
import type { LiveMover } from '../../ports/live-tree.ts';
import { safePermissions } from './entry-states.ts';
import type { RollbackPlan } from './plan-rollback.ts';
import { type FileToStage, permissionsOf, stagedPath } from './stage-target.ts';
import type { FileChange, FolderChange } from './state-changes.ts';

export type JournalHead = Omit<RollbackJournal, 'folders' | 'files' | 'leftAlone'>;

/** The files a plan needs staged, numbered in the order of the plan. */
export function filesToStage({ changes }: RollbackPlan): FileToStage[] {
  return changes.files.flatMap(({ target, keepsContent }, number) =>
    target === null || keepsContent === true ? [] : [{ ...target, number }],
  );
}

/** Puts down every step of a plan whose files are staged. */
export function makeJournal(plan: RollbackPlan, head: JournalHead, mover: LiveMover): RollbackJournal {
  const { live, changes } = plan;
  const files = changes.files.map((change, number) => fileStep(change, { live, number, mover }));
  // Links last: nothing placed later may pass through one.
  files.sort((a, b) => Number(isLink(a)) - Number(isLink(b)));
  return { ...head, leftAlone: plan.leftAlone.length, folders: folderSteps(plan), files };
}

function isLink({ after }: FileStep): boolean {
  return after?.kind === 'link';
}

function fileStep(change: FileChange, context: { live: VaultTree; number: number; mover: LiveMover }): FileStep {
  const { path, row } = change;
  const { live } = context;
  return { path, before: row < 0 ? null : capturedFile(live, row), after: placedFile(change, context) };
}

function placedFile(
  { row, target, keepsContent }: FileChange,
  { live, number, mover }: { live: VaultTree; number: number; mover: LiveMover },
): PlacedFile | null {
  if (target === null) return null;
  const { id, mtimeMs } = target;
  const kind = target.kind === 'link' ? 'link' : 'file';
  const common = { kind, id, chunked: target.kind === 'chunked', mtimeMs } as const;
  if (keepsContent === true) {
    const now = live.modes[row]! & 0o7777;
    const { permissions } = target;
    return { ...common, permissions: permissions === null ? now : safePermissions(permissions, now), staged: null };
  }
  const entry = mover.look({ in: 'work', path: stagedPath(number) });
  if (entry === null || entry.kind !== kind) {
    throw new HoldfastError('invariant_broken', 'A staged file is not where it was written.');
  }
  const { inode, sizeBytes } = entry;
  const staged = { number, inode, sizeBytes, mtimeMs: entry.mtimeMs };
  return { ...common, permissions: safePermissions(permissionsOf(target), 0), staged };
}

function capturedFile(live: VaultTree, row: number): CapturedFile {
  const mode = live.modes[row]!;
  const flags = live.flags[row]!;
  return {
    kind: (mode & modeBits.kindMask) === modeBits.link ? 'link' : 'file',
    id: live.id(row),
    chunked: (flags & entryFlags.chunked) !== 0,
    racy: (flags & (entryFlags.racy | entryFlags.unstable)) !== 0,
    permissions: mode & 0o7777,
    sizeBytes: live.sizes[row]!,
    mtimeMs: live.mtimes[row]!,
    ctimeMs: live.ctimes[row]!,
    inode: live.inodes[row]!,
  };
}

/** Folders of the plan, and those in which something moves: moving changes their times. */
function folderSteps({ live, changes }: RollbackPlan): FolderStep[] {
  const steps = new Map<ByteString, FolderStep>();
  for (const change of changes.folders) steps.set(change.path, folderStep(live, change));
  for (const { path } of [...changes.files.filter(({ keepsContent }) => keepsContent !== true), ...changes.folders]) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (parent === '' || steps.has(parent)) continue;
    const row = live.find(parent);
    if (row < 0 || !live.isFolder(row)) continue;
    const state = folderState(live, row);
    steps.set(parent, { path: parent, before: state, after: state });
  }
  return [...steps.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function folderStep(live: VaultTree, { path, row, target }: FolderChange): FolderStep {
  const before = row < 0 ? null : folderState(live, row);
  if (target === null) return { path, before, after: null };
  const { permissions, mtimeMs } = target;
  const wanted = permissions ?? before?.permissions ?? 0o755;
  return { path, before, after: { permissions: safePermissions(wanted, before?.permissions ?? 0), mtimeMs } };
}

function folderState(live: VaultTree, row: number): FolderState {
  return { permissions: live.modes[row]! & 0o7777, mtimeMs: live.mtimes[row]! };
}
