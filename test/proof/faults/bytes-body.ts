import { sha256Of } from '../../../src/format/digest.ts';
import type { StorageBody } from '../../../src/ports/object-storage.ts';

export function bytesBodyOf(bytes: Uint8Array): StorageBody {
  return { kind: 'bytes', bytes, sha256: sha256Of(bytes) };
}
