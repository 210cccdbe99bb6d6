import { isObjectId, type ObjectId } from '../../model/ids.ts';
import type { ObjectType } from '../../ports/object-writer.ts';
import { HeaderLines } from './commit-codec.ts';
import { objectCorrupt } from './corrupt.ts';

/** What an annotated tag points to. */
export interface DecodedTag {
  readonly target: ObjectId;
  readonly targetType: ObjectType;
}

const objectTypes: ReadonlySet<string> = new Set<ObjectType>(['commit', 'tree', 'blob', 'tag']);

/**
 * Decodes the target of a tag object.
 * @throws {HoldfastError} `object_corrupt` when it names none
 */
export function decodeTag(content: Uint8Array): DecodedTag {
  const headers = new HeaderLines(content);
  const target = headers.take('object');
  const targetType = headers.take('type');
  if (!isObjectId(target) || targetType === null || !objectTypes.has(targetType)) {
    throw objectCorrupt('A tag object names no target.');
  }
  return { target, targetType: targetType as ObjectType };
}
