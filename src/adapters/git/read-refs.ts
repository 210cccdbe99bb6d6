import { join } from 'node:path';
import { byteStringOf, compareByteStrings } from '../../lib/bytes.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { isRefName, isZeroId, parsePackedRefs, parseRefFile } from '../../format/git-refs.ts';
import type { RefValue } from '../../format/git-refs.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { GitRef } from '../../model/snapshot.ts';
import type { Repository } from './inspect-repository.ts';
import { listGitFolder, lstatIfThere, pathWithin, readGitFile, readLinkText } from './read-git-file.ts';

export interface ReadRefs {
  /** In byte order of their names; symbolic ones resolved, those that lead nowhere left out. */
  readonly refs: readonly GitRef[];
  /** Refs left out because git itself would not take their name or contents. */
  readonly unusable: number;
  readonly resolve: (value: RefValue) => ObjectId | null;
}

/**
 * Reads every ref this work tree sees: loose ones, packed ones (a loose one wins), and those a linked worktree has for
 * itself.
 * @throws {HoldfastError} `local_io` when some cannot be read: half the refs would be a lie
 */
export function readRefs({ place }: Repository): ReadRefs {
  const found: Found = { values: new Map(), unusable: 0, left: refsMax };
  // Loose first: git packs refs by writing packed-refs and only then removing the loose files.
  const isLinked = place.gitDir !== place.commonDir;
  readLoose(found, place.commonDir, { folder: 'refs/', depth: 0, skip: isLinked ? privateFolders : [] });
  if (isLinked) {
    for (const folder of privateFolders) readLoose(found, place.gitDir, { folder, depth: 0, skip: [] });
  }
  const packed = readGitFile(join(place.commonDir, 'packed-refs'), { sizeBytesMax: packedBytesMax });
  if (packed !== null) {
    const { refs, badLines } = parsePackedRefs(byteStringOf(packed));
    found.unusable += badLines;
    for (const { name, id } of refs) if (!found.values.has(name)) found.values.set(name, { kind: 'id', id });
  }
  const resolve = (value: RefValue): ObjectId | null => resolveRef(found.values, value);
  const refs: GitRef[] = [];
  for (const [name, value] of found.values) {
    const id = resolve(value);
    if (id !== null) refs.push({ name, id });
  }
  refs.sort((a, b) => compareByteStrings(a.name, b.name));
  return { refs, unusable: found.unusable, resolve };
}

interface Found {
  readonly values: Map<ByteString, RefValue>;
  unusable: number;
  left: number;
}

/** Refs that each worktree has for itself. */
const privateFolders = ['refs/bisect/', 'refs/rewritten/', 'refs/worktree/'];
const refsMax = 1_000_000;
const depthMax = 64;
const symbolicDepthMax = 5;
const packedBytesMax = 256 << 20;

function readLoose(
  found: Found,
  gitDir: string,
  { folder, depth, skip }: { folder: ByteString; depth: number; skip: readonly ByteString[] },
): void {
  const entries = listGitFolder(pathWithin(gitDir, folder.slice(0, -1)), { entriesMax: found.left });
  for (const entry of entries ?? []) {
    const name = folder + entry.name;
    found.left--;
    // Locks and hidden files stand beside refs and are none.
    if (entry.name.startsWith('.') || entry.name.endsWith('.lock')) continue;
    if (entry.isDirectory()) {
      if (depth < depthMax && !skip.includes(`${name}/`))
        readLoose(found, gitDir, { folder: `${name}/`, depth: depth + 1, skip });
      continue;
    }
    const value = isRefName(name) ? readLooseRef(pathWithin(gitDir, name)) : 'unusable';
    if (value === 'unusable') found.unusable++;
    else if (value !== null) found.values.set(name, value);
  }
}

function readLooseRef(path: string | Buffer): RefValue | 'unusable' | null {
  const kind = lstatIfThere(path);
  // Deleted, or packed, since the folder was listed.
  if (kind === null) return null;
  if (kind.isSymbolicLink()) {
    const target = readLinkText(path);
    return target !== null && isRefName(target) ? { kind: 'symbolic', target } : 'unusable';
  }
  if (!kind.isFile()) return 'unusable';
  const bytes = readGitFile(path, { sizeBytesMax: 65_536 });
  if (bytes === null) return null;
  const value = parseRefFile(byteStringOf(bytes));
  return value === null || (value.kind === 'id' && isZeroId(value.id)) ? 'unusable' : value;
}

function resolveRef(values: ReadonlyMap<ByteString, RefValue>, start: RefValue): ObjectId | null {
  let value: RefValue | undefined = start;
  for (let depth = 0; depth <= symbolicDepthMax && value !== undefined; depth++) {
    if (value.kind === 'id') return value.id;
    value = values.get(value.target);
  }
  return null;
}
