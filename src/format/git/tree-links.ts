import { type ByteString, byteStringOf } from '../../lib/bytes.ts';
import type { ObjectId } from '../../model/ids.ts';
import { objectCorrupt } from './corrupt.ts';
import { idBytes, objectIdAt } from './object-id.ts';

/** What a tree entry leads to. */
export interface TreeLink {
  readonly id: ObjectId;
  readonly kind: 'tree' | 'blob' | 'gitlink';
  /** Unchecked: good for telling entries apart, never for a path. */
  readonly name: ByteString;
}

/**
 * Yields where the entries of a tree lead, without judging names, order or modes. For the user's own history, which old
 * versions of git may have written in ways that are refused today; nothing of it is ever written to a disk by its name.
 * @throws {HoldfastError} `object_corrupt` when the format is broken
 */
export function* treeLinks(content: Uint8Array): Generator<TreeLink> {
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const nul = space < 0 ? -1 : content.indexOf(0, space);
    if (nul < 0 || nul + 1 + idBytes > content.length) {
      throw objectCorrupt('A tree object ends in the middle of an entry.');
    }
    const mode = Number.parseInt(Buffer.from(content.subarray(at, space)).toString('latin1'), 8);
    yield {
      id: objectIdAt(content, nul + 1),
      kind: kindOf(mode),
      name: byteStringOf(content.subarray(space + 1, nul)),
    };
    at = nul + 1 + idBytes;
  }
}

function kindOf(mode: number): TreeLink['kind'] {
  if ((mode & 0o170000) === 0o040000) return 'tree';
  return (mode & 0o170000) === 0o160000 ? 'gitlink' : 'blob';
}
