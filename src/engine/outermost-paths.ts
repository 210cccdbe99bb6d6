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

/** A folder right before everything in it. */
function comparePaths(a: ByteString, b: ByteString): number {
  return compareByteStrings(a.replaceAll('/', '\0'), b.replaceAll('/', '\0'));
}
