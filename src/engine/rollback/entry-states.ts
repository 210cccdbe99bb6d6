import type { MetadataLine } from '../../format/metadata-node.ts';
import { entryFlags, modeBits, type VaultTree } from '../../model/vault-tree.ts';
import type { SnapshotEntry } from '../read-tree.ts';
import type { TargetFile } from './state-changes.ts';

// Metadata keeps microseconds; a double of milliseconds is exact to a quarter of one.
const timeToleranceMs = 0.000_75;

export function targetFileOf(entry: SnapshotEntry, line: MetadataLine | null): TargetFile {
  if (entry.kind === 'folder') throw new RangeError('a folder is no file');
  const { kind, id } = entry;
  return { kind, id, permissions: line?.mode ?? null, mtimeMs: line?.mtimeMs ?? null };
}

/** Same kind and content. */
export function isSameEntry(tree: VaultTree, row: number, target: TargetFile): boolean {
  const flags = tree.flags[row]!;
  const isLink = (tree.modes[row]! & modeBits.kindMask) === modeBits.link;
  const isChunked = (flags & entryFlags.chunked) !== 0;
  if (isLink !== (target.kind === 'link') || isChunked !== (target.kind === 'chunked')) return false;
  return (flags & entryFlags.hasId) !== 0 && tree.id(row) === target.id;
}

/** Same permission bits and time, as far as the target says. */
export function isSameMeta(
  tree: VaultTree,
  row: number,
  target: { readonly permissions: number | null; readonly mtimeMs: number | null },
): boolean {
  const { permissions, mtimeMs } = target;
  const isLink = (tree.modes[row]! & modeBits.kindMask) === modeBits.link;
  if (!isLink && permissions !== null && (tree.modes[row]! & 0o7777) !== permissions) return false;
  return mtimeMs === null || isSameTime(tree.mtimes[row]!, mtimeMs);
}

export function isSameTime(aMs: number, bMs: number): boolean {
  return Math.abs(aMs - bMs) <= timeToleranceMs;
}

/**
 * Permission bits a live entry gets. Set-id and sticky bits never come from a store; where they stand on both sides they stay.
 */
export function safePermissions(wanted: number, live: number): number {
  return (wanted & 0o777) | (wanted & live & 0o7000);
}
