import { type ByteString, compareByteStrings } from '../lib/bytes.ts';

/** Returns paths in order, each once, without those that lie in a folder that is among them. */
export function outermostPaths(paths: readonly ByteString[]): ByteString[] {
  const kept: ByteString[] = [];
  for (const path of paths.toSorted(comparePaths)) {
    const previous = kept.at(-1);
    if (previous !== path && !path.startsWith(`${previous}/`)) kept.push(path);
  }
  return kept;
}

/** The same, by the folder they lie in ('' for the vault). */
export function outermostByFolder(paths: readonly ByteString[]): ReadonlyMap<ByteString, readonly ByteString[]> {
  return Map.groupBy(outermostPaths(paths), (path) => path.slice(0, Math.max(0, path.lastIndexOf('/'))));
}

/** A folder right before everything in it. */
function comparePaths(a: ByteString, b: ByteString): number {
  return compareByteStrings(a.replaceAll('/', '\0'), b.replaceAll('/', '\0'));
}
