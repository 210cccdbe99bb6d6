import { lstatSync, readdirSync } from 'node:fs';
import type { ByteString } from '../../lib/bytes.ts';
import type { VaultTree } from '../../model/vault-tree.ts';
import { diskPath } from './scan-listing.ts';
import type { IgnoredNames, Measure } from './scan-memory.ts';
import type { Pace } from './scan-pace.ts';

/** Entries of ignored folders that one scan looks at; what is left over is measured by the next. */
export const measuredEntriesMax = 200_000;
const staleAfterMs = 24 * 60 * 60 * 1000;

/**
 * Counts files and bytes in the ignored folders that have no count, whose own mtime changed (then the count was not taken over),
 * or whose count is a day old. A folder too large for what is left of the budget gets the figures so far, as "at least".
 */
export async function measureIgnored(
  tree: VaultTree,
  ignored: IgnoredNames,
  options: { readonly rootPath: ByteString; readonly nowMs: number; readonly pace: Pace },
): Promise<void> {
  const budget = { entries: measuredEntriesMax };
  for (let folder = 0; folder < ignored.folderCount && budget.entries > 0; folder++) {
    const end = ignored.endRow(folder);
    for (let row = ignored.firstRow(folder); row < end && budget.entries > 0; row++) {
      if (!ignored.isFolder(row)) continue;
      const known = ignored.measure(row);
      if (known !== null && Math.abs(options.nowMs - known.measuredAtMs) < staleAfterMs) continue;
      const prefix = folder === 0 ? '' : `${tree.folderPath(folder)}/`;
      const path = `${options.rootPath}${prefix}${ignored.name(row)}/`;
      const size = await measureFolder(path, { budget, pace: options.pace });
      ignored.setMeasure(row, { ...size, measuredAtMs: options.nowMs, mtimeMs: ignored.mtimes[row]! });
    }
  }
}

/** Looks at names and sizes only: no file is opened, no link followed, no other file system entered. */
async function measureFolder(
  top: ByteString,
  { budget, pace }: { readonly budget: { entries: number }; readonly pace: Pace },
): Promise<Pick<Measure, 'fileCount' | 'sizeBytes' | 'atLeast'>> {
  const size = { fileCount: 0, sizeBytes: 0, atLeast: false };
  const device = lookAt(top.slice(0, -1))?.dev;
  const waiting = [top];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const names = namesIn(path);
    if (names === null) size.atLeast = true;
    for (const name of names ?? []) {
      if (budget.entries-- <= 0) return { ...size, atLeast: true };
      const stats = lookAt(path + name);
      if (stats === null || stats.dev !== device) size.atLeast = true;
      else if (stats.isDirectory()) waiting.push(`${path}${name}/`);
      else size.fileCount++;
      if (stats?.isFile() === true) size.sizeBytes += stats.size;
    }
    if (pace.isDue) await pace.rest();
  }
  return size;
}

function namesIn(path: ByteString): string[] | null {
  try {
    return readdirSync(diskPath(path), 'latin1');
  } catch {
    return null;
  }
}

function lookAt(path: ByteString) {
  try {
    return lstatSync(diskPath(path), { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}
