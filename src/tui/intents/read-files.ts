import { type ListedEntry, openBrowser } from '../../engine/browse.ts';
import { findFiles } from '../../engine/find-files.ts';
import { readEntrySizes } from '../../engine/object-sizes.ts';
import { readPathHistory } from '../../engine/path-history.ts';
import { openTreeReader } from '../../engine/read-tree.ts';
import { displayName } from '../../format/display-name.ts';
import { byteStringOfText, type ByteString } from '../../lib/bytes.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { BrowsedEntry, FoundRow, VersionRow } from '../state/app-state.ts';
import { isLabelled } from '../state/timeline.ts';
import type { IntentContext } from './intent-context.ts';

const foundMax = 2000;

/** What lies in a folder of a restore point: folders first, then files, by name. */
export async function readFolder(
  context: IntentContext,
  { point, path }: { point: RestorePoint; path: ByteString },
  signal: AbortSignal,
): Promise<readonly BrowsedEntry[]> {
  const { reader } = await context.reader();
  const browser = openBrowser(reader, point.record, { signal });
  const listed: ListedEntry[] = [];
  for await (const entry of browser.list(path)) listed.push(entry);
  const files = listed.flatMap(({ entry }) => (entry === null || entry.kind === 'folder' ? [] : [entry]));
  const sizes = await readEntrySizes(browser, files, { signal });
  const entries = listed.map(({ path: own, entry, mtimeMs }): BrowsedEntry => {
    const kind = entry?.kind ?? 'folder';
    const name = displayName(own.slice(own.lastIndexOf('/') + 1)) + (kind === 'folder' ? '/' : '');
    return {
      path: own,
      name,
      kind,
      id: entry?.id ?? null,
      sizeBytes: entry === null ? null : (sizes.get(entry.id) ?? null),
      mtimeMs,
    };
  });
  return entries.toSorted((a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder'));
}

/** Every distinct version of a path, newest first. */
export async function readVersions(
  context: IntentContext,
  path: ByteString,
  signal: AbortSignal,
): Promise<readonly VersionRow[]> {
  const { reader } = await context.reader();
  const { versions } = await readPathHistory(reader, { points: context.points(), path, signal });
  const entries = versions.flatMap(({ entry }) => (entry === null || entry.kind === 'folder' ? [] : [entry]));
  const sizes = await readEntrySizes({ reader, trees: openTreeReader(reader, { signal }) }, entries, { signal });
  return versions.map(({ entry, since, until, pointCount }) => ({
    entryId: entry?.id ?? null,
    sizeBytes: entry === null ? null : (sizes.get(entry.id) ?? null),
    sinceMs: Date.parse(since.record.takenAt),
    untilMs: Date.parse(until.record.takenAt),
    since: since.record.id,
    until: until.record.id,
    pointCount,
    label: isLabelled(since) ? since.record.label : '',
  }));
}

/** Files and folders whose path has all the words, in every restore point. */
export async function findByName(
  context: IntentContext,
  query: string,
  signal: AbortSignal,
): Promise<readonly FoundRow[]> {
  const { reader } = await context.reader();
  const words = query.toLowerCase().split(/\s+/).map(byteStringOfText);
  const { found } = await findFiles(reader, {
    points: context.points(),
    matches: (path) => {
      const lower = path.toLowerCase();
      return words.every((word) => lower.includes(word));
    },
    signal,
  });
  const files = found.filter(({ entry }) => entry.kind !== 'folder').slice(0, foundMax);
  return files.map(({ path, entry, newest, versionCount, isCurrent }) => ({
    path,
    name: displayName(path),
    kind: entry.kind,
    newest: newest.record.id,
    newestMs: Date.parse(newest.record.takenAt),
    versionCount,
    isCurrent,
  }));
}
