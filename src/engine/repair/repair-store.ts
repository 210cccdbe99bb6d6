import { restoreGuide } from '../../format/restore-guide.ts';
import { sha256Of } from '../../format/digest.ts';
import { recordKey, storeKeys } from '../../format/store-layout.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { SnapshotId } from '../../model/ids.ts';
import type { ObjectStorage, StorageKey } from '../../ports/object-storage.ts';
import type { TemporaryFile } from '../../ports/temporary-files.ts';
import type { Deps } from '../deps.ts';
import { onePiece } from '../object-pieces.ts';
import { loadStoreView } from '../store-view.ts';
import { type BrokenObject, findBrokenPacks, findLostRecords } from './find-broken.ts';
import type { RepairSource } from './repair-source.ts';

export interface RepairOptions {
  readonly source: RepairSource;
  /** Read every byte of every pack, not only what is missing or of another size. */
  readonly full: boolean;
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface RepairReport {
  readonly source: string;
  /** Objects that are right again (with `dryRun`: that the source could make right). */
  readonly repaired: readonly StorageKey[];
  /** Objects the source has no genuine copy of. */
  readonly beyond: readonly StorageKey[];
  /** Snapshots that were gone and are back. */
  readonly snapshots: readonly SnapshotId[];
  /** Where damaged bytes were kept that no storage version keeps; null when nothing had to be. */
  readonly keptIn: string | null;
  readonly durationMs: number;
}

/**
 * Puts back what the store lost or holds damaged, from another copy: packs first, records last, each proved again in its
 * place. Snapshots that prune dropped on purpose stay dropped. Nothing is deleted; damaged bytes that are replaced stay as a
 * version, or are first kept in the holding directory where the storage keeps none.
 * @throws {HoldfastError} of kind storage or access when either side cannot be reached
 */
export async function repairStore(deps: Deps, options: RepairOptions): Promise<RepairReport> {
  const startedMs = deps.clock.monotonicMs();
  const { source, full, signal } = options;
  deps.events.emit({ type: 'phase_started', phase: 'repair' });
  const view = await loadStoreView(deps, { refresh: 'always', signal });
  if (view.unreachable !== null) throw view.unreachable;
  const lost = await findLostRecords(deps, view, source);
  const points = [...view.points.filter(({ where }) => where === 'store'), ...lost.map(({ point }) => point)];
  const packs = await findBrokenPacks(deps, points, { full, signal });
  const records = lost.map(({ key, point, reason }) => ({ key, sha256: point.recordSha256, reason }));

  await using repair = new Repair(deps, options);
  await repair.storeFiles();
  for (const broken of packs) await repair.object(broken);
  // A record is what makes a snapshot exist: it comes back when everything it stands on is there.
  const isWhole = repair.beyond.length === 0;
  if (isWhole) for (const broken of records) await repair.object(broken);
  else repair.beyond.push(...records.map(({ key }) => key));
  // Snapshots this machine saw in the store, and of which not even the source has a record.
  const found = new Set(lost.map(({ id }) => id));
  repair.beyond.push(...view.missing.filter((id) => !found.has(id)).map(recordKey));
  const keptIn = await repair.finishKept();

  const report: RepairReport = {
    source: source.name,
    repaired: repair.repaired,
    beyond: repair.beyond,
    snapshots: lost.filter(({ key }) => repair.repaired.includes(key)).map(({ id }) => id),
    keptIn,
    durationMs: Math.round(deps.clock.monotonicMs() - startedMs),
  };
  if (!options.dryRun && packs.length + records.length + repair.repaired.length > 0) await appendRow(deps, report);
  return report;
}

class Repair implements AsyncDisposable {
  readonly repaired: StorageKey[] = [];
  readonly beyond: StorageKey[] = [];
  readonly #deps: Deps;
  readonly #options: RepairOptions;
  #kept: Awaited<ReturnType<Deps['holdingArea']['begin']>> | null = null;
  #keptCount = 0;

  constructor(deps: Deps, options: RepairOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** The header comes from the source, the guide from this program, which wrote it. */
  async storeFiles(): Promise<void> {
    const { rawStorage, encryption } = this.#deps;
    const { signal, dryRun } = this.#options;
    if ((await rawStorage.head(storeKeys.header, { signal })) === null) {
      await this.object({ key: storeKeys.header, sha256: null, reason: 'missing' });
    }
    if ((await rawStorage.head(storeKeys.restoreGuide, { signal })) !== null) return;
    const bytes = Buffer.from(restoreGuide({ isEncrypted: encryption.isSealed === true }), 'utf8');
    if (!dryRun) {
      await rawStorage.putIfAbsent(
        storeKeys.restoreGuide,
        { kind: 'bytes', bytes, sha256: sha256Of(bytes) },
        { signal },
      );
    }
    this.repaired.push(storeKeys.restoreGuide);
  }

  async object(broken: BrokenObject): Promise<void> {
    const { source, dryRun, signal } = this.#options;
    const { key, sha256 } = broken;
    signal?.throwIfAborted();
    for await (const copy of source.copies(key, sha256)) {
      using file = copy;
      if (!dryRun) await this.#putBack(broken, file);
      this.repaired.push(key);
      return;
    }
    this.beyond.push(key);
  }

  async finishKept(): Promise<string | null> {
    if (this.#kept === null) return null;
    return (await this.#kept.finish({ whole: true })).directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept?.[Symbol.asyncDispose]();
  }

  async #putBack({ key, reason }: BrokenObject, file: TemporaryFile): Promise<void> {
    const { rawStorage } = this.#deps;
    const { signal } = this.#options;
    const body = { kind: 'file', path: file.path, sizeBytes: file.sizeBytes, sha256: file.sha256 } as const;
    if (reason === 'missing') {
      try {
        await rawStorage.putIfAbsent(key, body, { signal });
        return;
      } catch (error) {
        // There after all, with other bytes: somebody wrote it meanwhile, or the listing was behind.
        if (!isHoldfastError(error, 'storage_conflict')) throw error;
      }
    }
    await this.#keepDamaged(rawStorage, key);
    await rawStorage.put(key, body, { signal });
  }

  /** Even damaged bytes are evidence; where no version of them will stay, they are set aside first. */
  async #keepDamaged(storage: ObjectStorage, key: StorageKey): Promise<void> {
    const { signal } = this.#options;
    if ((await storage.versioning({ signal })) === 'on') return;
    this.#kept ??= await this.#deps.holdingArea.begin('damaged-objects');
    const path = `${++this.#keptCount}-${key.slice(key.lastIndexOf('/') + 1)}`;
    const bytes = await storage.get(key, { signal });
    await this.#kept.writeFile({ path, permissions: 0o600, mtimeMs: null }, onePiece(bytes));
  }
}

async function appendRow(deps: Deps, report: RepairReport): Promise<void> {
  await deps.snapshotIndex.append({
    event: 'repair',
    source: report.source,
    repaired: report.repaired.length,
    beyond: report.beyond.length,
    snapshots: report.snapshots.length,
    durationMs: report.durationMs,
  });
}
