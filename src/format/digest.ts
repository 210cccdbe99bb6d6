import { hash } from 'node:crypto';
import type { Sha256 } from '../model/ids.ts';

/** SHA-256 of bytes, as 64 lower-case hex digits. */
export function sha256Of(bytes: Uint8Array): Sha256 {
  return hash('sha256', bytes, 'hex') as Sha256;
}
