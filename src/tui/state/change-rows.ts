import { displayName } from '../../format/display-name.ts';
import { type Change, countChangeKinds } from '../../model/change.ts';
import type { ChangeRow, ChangesFound } from './app-state.ts';

/** More changes than this are counted, not listed: nobody walks through them one by one. */
const changesMax = 20_000;

/** Lays changes (in byte order of paths) out as a tree: each folder once, before what is in it. */
export function changeTree(changes: readonly Change[], sizeOf: (change: Change) => number | null): ChangesFound {
  const rows: ChangeRow[] = [];
  const folders = new Set<string>();
  const shown = changes.slice(0, changesMax);
  for (const change of shown) {
    const parts = change.path.split('/');
    for (let depth = 0; depth < parts.length - 1; depth++) {
      const path = parts.slice(0, depth + 1).join('/');
      if (folders.has(path)) continue;
      folders.add(path);
      rows.push({ path, name: `${displayName(parts[depth]!)}/`, depth, change: null, sizeBytes: null });
    }
    const moved = change.kind === 'renamed' ? ` (was ${displayName(change.before.path)})` : '';
    rows.push({
      path: change.path,
      name: displayName(parts.at(-1)!) + moved,
      depth: parts.length - 1,
      change,
      sizeBytes: sizeOf(change),
    });
  }
  return { rows, counts: countChangeKinds(changes), more: changes.length - shown.length };
}
