import { createHash } from 'node:crypto';
import type { ObjectId } from '../../model/ids.ts';
import { encodePackHeader } from './pack-entry.ts';

export interface BundleRef {
  /** Full ref name in ASCII: "refs/heads/snapshot". `HEAD` is added for the first ref, so that `git clone` checks it out. */
  readonly name: string;
  readonly id: ObjectId;
}

export interface BundleParts {
  /** At least one. */
  readonly refs: readonly BundleRef[];
  readonly objectCount: number;
  /** Encoded pack entries, exactly `objectCount` of them; deltas only against objects of the same bundle by name. */
  readonly entries: AsyncIterable<Uint8Array>;
}

/** Yields the bytes of a version 2 git bundle without prerequisites: header, then a whole pack with its checksum. */
export async function* encodeBundle(parts: BundleParts): AsyncGenerator<Uint8Array> {
  const head = { name: 'HEAD', id: parts.refs[0]!.id };
  const lines = [...parts.refs, head].map(({ name, id }) => `${id} ${name}\n`);
  yield Buffer.from(`# v2 git bundle\n${lines.join('')}\n`, 'latin1');
  const checksum = createHash('sha1');
  const header = encodePackHeader(parts.objectCount);
  checksum.update(header);
  yield header;
  for await (const bytes of parts.entries) {
    checksum.update(bytes);
    yield bytes;
  }
  yield checksum.digest();
}
