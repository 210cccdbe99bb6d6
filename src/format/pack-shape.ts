import { isSha256 } from '../model/ids.ts';
import type { PackRef } from '../model/snapshot.ts';
import { checked, count, object } from './json-shape.ts';
import { isPackKey } from './store-layout.ts';

const sha256 = checked(isSha256, 'a SHA-256');

/** A pack as records and plans of prune name it. */
export const packShape = object<PackRef>({
  key: checked(isPackKey, 'the key of a pack'),
  sizeBytes: count,
  sha256,
  indexSizeBytes: count,
  indexSha256: sha256,
  objectCount: count,
});
