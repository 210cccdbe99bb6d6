import { type SnapshotId, isSnapshotId } from '../model/ids.ts';
import type { StorageKey } from '../ports/object-storage.ts';

/** Keys that exist once in a store. */
export const storeKeys = {
  /** Format, vault id, cipher: see store-header.ts. */
  header: 'holdfast.json',
  /** How to get everything back without holdfast. */
  restoreGuide: 'RESTORE.md',
  /** The decryptor beside the guide in an encrypted store; needs only Node. */
  decryptor: 'decrypt.mjs',
} as const;

/** Prefixes to list. Each ends in '/'. */
export const snapshotsPrefix = 'snapshots/';
export const packsPrefix = 'packs/';
export const condemnedPrefix = 'condemned/';
export const leasePrefix = `${condemnedPrefix}prune-lease.`;
export const logsPrefix = 'logs/';
export const livePrefix = 'live/';
/** Reports of rehearsed restores, by machine. */
export const drillsPrefix = 'drills/';
/** The keys of an encrypted store, one immutable sheet a generation: see key-sheet.ts. */
export const keysPrefix = 'keys/';

/** What a mark says: `pin` keeps its snapshot from being pruned, `unpin` takes that back. */
export type Mark = 'pin' | 'unpin';

/** What a listed key is. Null from `parseStoreKey` means foreign: never read, counted, or deleted (K17). */
export type ParsedStoreKey =
  | { readonly kind: 'header' | 'guide' | 'decryptor' }
  | { readonly kind: 'keys'; readonly generation: number }
  | { readonly kind: 'record'; readonly id: SnapshotId }
  /** `id` is null for packs under `packs/`, which belong to no one snapshot. */
  | { readonly kind: 'pack' | 'index'; readonly id: SnapshotId | null; readonly hash: string }
  /** A person's word on a snapshot, beside its record; the highest number counts. */
  | { readonly kind: 'mark'; readonly id: SnapshotId; readonly number: number; readonly mark: Mark }
  | { readonly kind: 'condemned'; readonly plan: string }
  /** The packs a plan condemned are being deleted, or gone. */
  | { readonly kind: 'gone'; readonly plan: string }
  | { readonly kind: 'lease'; readonly epoch: number }
  | { readonly kind: 'log'; readonly machine: string; readonly month: string }
  | { readonly kind: 'drill'; readonly machine: string; readonly at: string }
  | { readonly kind: 'live'; readonly path: string };

const packNamePattern = /^pack-([0-9a-f]{40})\.(pack|idx)$/;
const packKeyPattern = /^(?:snapshots\/([^/]+)|packs)\/pack-[0-9a-f]{40}\.pack$/;
const sheetPattern = /^(\d{8})\.json$/;
const planPattern = /^([A-Za-z0-9][A-Za-z0-9:-]{0,99})\.json$/;
const gonePattern = /^([A-Za-z0-9][A-Za-z0-9:-]{0,99})\.gone$/;
const leasePattern = /^prune-lease\.(\d{6})$/;
const markPattern = /^mark-(\d{4})-(pin|unpin)\.json$/;
const monthPattern = /^(\d{4}-(?:0[1-9]|1[0-2]))\.ndjson$/;
const drillPattern = /^(\d{8}T\d{9}Z)\.json$/;
const machineIdPattern = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const diskIdPattern = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\dZ-.+)$/;
const recordName = 'snapshot.json';

/** True for a machine or vault id: 1 to 64 of `[a-z0-9-]`, neither first nor last a '-'. */
export function isPlainId(value: unknown): value is string {
  return typeof value === 'string' && machineIdPattern.test(value);
}

/** Everything of one snapshot lies below this prefix; ends in '/'. */
export function snapshotPrefix(id: SnapshotId): StorageKey {
  return `${snapshotsPrefix}${id}/`;
}

/** The record's key: its presence is the commit point of the snapshot. */
export function recordKey(id: SnapshotId): StorageKey {
  return `${snapshotPrefix(id)}${recordName}`;
}

/** Key of a pack that snapshot `id` was the first to need. `hash` is the pack's own 40-digit trailing checksum. */
export function snapshotPackKey(id: SnapshotId, hash: string): StorageKey {
  return `${snapshotPrefix(id)}pack-${hash}.pack`;
}

/** Key of a pack that prune consolidated. */
export function consolidatedPackKey(hash: string): StorageKey {
  return `${packsPrefix}pack-${hash}.pack`;
}

/** The pack index beside a pack: same name, `.idx`. */
export function packIndexKey(packKey: StorageKey): StorageKey {
  return `${packKey.slice(0, -'.pack'.length)}.idx`;
}

/** File name of a pack key or index key, `pack-<hash>.pack` or `.idx`: what it is called in a local directory. */
export function fileNameOfPackKey(key: StorageKey): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** The 40 hex digits in a pack key. */
export function hashOfPackKey(packKey: StorageKey): string {
  return packKey.slice(-'.pack'.length - 40, -'.pack'.length);
}

/** Key of a generation of the store's keys. */
export function keySheetKey(generation: number): StorageKey {
  return `${keysPrefix}${String(generation).padStart(8, '0')}.json`;
}

/**
 * The name encryption binds an object to: its key; for packs and their indexes only the last part, which tells their contents,
 * so that sealed bytes can be copied to another place of the store as they are.
 */
export function sealedNameOf(key: StorageKey): string {
  const name = fileNameOfPackKey(key);
  return packNamePattern.test(name) ? name : key;
}

/** True for what an encrypted store holds as it is: all that is needed before there is a key. */
export function isPlainKey(key: StorageKey): boolean {
  return Object.values<string>(storeKeys).includes(key) || key.startsWith(keysPrefix);
}

/** Key of a prune plan whose packs await the end of their grace period. */
export function condemnedKey(plan: string): StorageKey {
  return `${condemnedPrefix}${plan}.json`;
}

/** Key of the note that the packs a plan condemned are being deleted: readers stop counting on them. */
export function goneKey(plan: string): StorageKey {
  return `${condemnedPrefix}${plan}.gone`;
}

/** Key of the lease of the run of prune number `epoch`. */
export function leaseKey(epoch: number): StorageKey {
  return `${leasePrefix}${String(epoch).padStart(6, '0')}`;
}

/** Where the marks of one snapshot are, beside its record, so that listing the snapshots shows them too. */
export function marksPrefix(id: SnapshotId): StorageKey {
  return `${snapshotPrefix(id)}mark-`;
}

/** Key of the `number`th mark of a snapshot; `number` is 1 to 9999. */
export function markKey(id: SnapshotId, number: number, mark: Mark): StorageKey {
  return `${marksPrefix(id)}${String(number).padStart(4, '0')}-${mark}.json`;
}

/** Key of one machine's index rows of one month; `month` is `yyyy-mm`. */
export function logKey(machine: string, month: string): StorageKey {
  return `${logsPrefix}${machine}/${month}.ndjson`;
}

/** Key of the report of a drill that a machine began at `startedAt` (an ISO time). */
export function drillReportKey(machine: string, startedAt: string): StorageKey {
  const stamp = startedAt.replaceAll(/[:.-]/g, '');
  return `${drillsPrefix}${machine}/${stamp}.json`;
}

/** True when `value` is the key of a `.pack` in one of the two places packs may lie. */
export function isPackKey(value: unknown): value is StorageKey {
  if (typeof value !== 'string') return false;
  const match = packKeyPattern.exec(value);
  return match !== null && (match[1] === undefined || isSnapshotId(match[1]));
}

/**
 * Says what a listed key is, or null when it is not ours. Every part is validated strictly: a key that parses can be
 * rebuilt from its parts byte for byte, so nothing is ever derived from an unchecked name (K14).
 */
export function parseStoreKey(key: StorageKey): ParsedStoreKey | null {
  if (key === storeKeys.header) return { kind: 'header' };
  if (key === storeKeys.restoreGuide) return { kind: 'guide' };
  if (key === storeKeys.decryptor) return { kind: 'decryptor' };
  if (key.startsWith(livePrefix)) {
    const path = key.slice(livePrefix.length);
    return path === '' ? null : { kind: 'live', path };
  }
  const parts = key.split('/');
  const [top, middle, last] = parts;
  if (parts.length === 3 && top === 'snapshots' && isSnapshotId(middle)) {
    if (last === recordName) return { kind: 'record', id: middle };
    return parsePackName(last!, middle) ?? parseMarkName(last!, middle);
  }
  if (parts.length === 3 && top === 'logs' && isPlainId(middle)) {
    const month = monthPattern.exec(last!)?.[1];
    return month === undefined ? null : { kind: 'log', machine: middle, month };
  }
  if (parts.length === 3 && top === 'drills' && isPlainId(middle)) {
    const at = drillPattern.exec(last!)?.[1];
    return at === undefined ? null : { kind: 'drill', machine: middle, at };
  }
  if (parts.length === 2 && top === 'keys') {
    const generation = sheetPattern.exec(middle!)?.[1];
    return generation === undefined ? null : { kind: 'keys', generation: Number(generation) };
  }
  if (parts.length === 2 && top === 'packs') return parsePackName(middle!, null);
  if (parts.length === 2 && top === 'condemned') return parseCondemnedName(middle!);
  return null;
}

/** A snapshot id as the name of a folder on disk, where ':' is not a character every file system takes. */
export function folderNameOfSnapshotId(id: SnapshotId): string {
  return id.replaceAll(':', '-');
}

/** The snapshot id a folder on disk is named after, or null. */
export function snapshotIdOfFolderName(name: string): SnapshotId | null {
  const match = diskIdPattern.exec(name);
  if (match === null) return null;
  const id = `${match[1]}:${match[2]}:${match[3]}`;
  return isSnapshotId(id) ? id : null;
}

function parseCondemnedName(name: string): ParsedStoreKey | null {
  const plan = planPattern.exec(name)?.[1];
  if (plan !== undefined) return { kind: 'condemned', plan };
  const gone = gonePattern.exec(name)?.[1];
  if (gone !== undefined) return { kind: 'gone', plan: gone };
  const epoch = leasePattern.exec(name)?.[1];
  return epoch === undefined ? null : { kind: 'lease', epoch: Number(epoch) };
}

function parseMarkName(name: string, id: SnapshotId): ParsedStoreKey | null {
  const match = markPattern.exec(name);
  return match === null ? null : { kind: 'mark', id, number: Number(match[1]), mark: match[2] as Mark };
}

function parsePackName(name: string, id: SnapshotId | null): ParsedStoreKey | null {
  const match = packNamePattern.exec(name);
  if (match === null) return null;
  return { kind: match[2] === 'pack' ? 'pack' : 'index', id, hash: match[1]! };
}
