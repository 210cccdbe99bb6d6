import { snapshotPackKey } from '../format/store-layout.ts';
import { foldProblems } from '../model/fold-problems.ts';
import { type Label, makeSnapshotId, type ObjectId, type SnapshotId } from '../model/ids.ts';
import type { Notice, Problem } from '../model/problem.ts';
import { hasSnapshot, type RestorePoint } from '../model/restore-point.ts';
import type { GitState, PackRef, SnapshotKind, SnapshotRecord } from '../model/snapshot.ts';
import type { SealedPack } from '../ports/object-writer.ts';
import type { Scan } from '../ports/working-tree.ts';
import type { BuiltTrees } from './build-trees.ts';
import type { ChangeCounts } from './count-changes.ts';
import type { Deps } from './deps.ts';
import { idNonce } from './publish-snapshots.ts';
import type { StoreView } from './store-view.ts';

export interface RecordParts {
  readonly view: StoreView;
  readonly label: Label;
  readonly kind: SnapshotKind;
  readonly takenAt: Date;
  readonly durationMs: number;
  readonly previous: RestorePoint | null;
  readonly scan: Scan;
  readonly trees: BuiltTrees;
  readonly commits: { readonly commit: ObjectId; readonly metadata: ObjectId };
  readonly changes: ChangeCounts;
  readonly packs: readonly SealedPack[];
  readonly git: GitState | null;
  readonly problems: readonly Problem[];
  readonly notices: readonly Notice[];
}

/** Puts together the record of a capture, under an id no snapshot known here has. */
export function makeRecord(deps: Deps, parts: RecordParts): SnapshotRecord {
  const id = freeId(deps, parts);
  const packs = parts.packs.map((pack) => packRef(id, pack));
  const { counts } = parts.trees;
  const { previous, changes } = parts;
  return {
    id,
    label: parts.label,
    kind: parts.kind,
    takenAt: parts.takenAt.toISOString(),
    durationMs: Math.round(parts.durationMs),
    vault: { id: deps.identity.vault.id, name: deps.identity.vault.name },
    machine: deps.identity.machine,
    writer: deps.identity.writer,
    commit: parts.commits.commit,
    tree: parts.trees.rootTree,
    metadata: parts.commits.metadata,
    packs,
    base: previous?.record.id ?? null,
    chain: { sequence: (previous?.record.chain.sequence ?? 0) + 1, previous: previous?.recordSha256 ?? null },
    counts: {
      files: counts.files,
      folders: counts.folders,
      links: counts.links,
      sizeBytes: counts.sizeBytes,
      added: changes.added,
      changed: changes.changed,
      removed: changes.removed,
      storedBytes: packs.reduce((sum, pack) => sum + pack.sizeBytes + pack.indexSizeBytes, 0),
    },
    complete: parts.problems.length === 0 && !(deps.settings.strict && parts.notices.some(isSpecialFile)),
    problems: foldProblems(parts.problems),
    notices: parts.notices,
    ledger: parts.scan.ledger,
    git: parts.git,
  };
}

function isSpecialFile(notice: Notice): boolean {
  return notice.code === 'special_file';
}

function freeId(deps: Deps, parts: RecordParts): SnapshotId {
  const nonce = idNonce(deps);
  const shownLabel = deps.encryption.hiddenSlug(parts.label, parts.takenAt) ?? parts.label;
  for (let clash = 1; ; clash++) {
    const id = makeSnapshotId(parts.takenAt, shownLabel, clash, nonce);
    if (!hasSnapshot(parts.view.points, id)) return id;
  }
}

function packRef(id: SnapshotId, pack: SealedPack): PackRef {
  return {
    key: snapshotPackKey(id, pack.hash),
    sizeBytes: pack.sizeBytes,
    sha256: pack.sha256,
    indexSizeBytes: pack.indexSizeBytes,
    indexSha256: pack.indexSha256,
    objectCount: pack.objectCount,
  };
}
