import { HoldfastError } from '../../model/errors.ts';
import type { StorageKey } from '../../ports/object-storage.ts';

const partPattern = /^[A-Za-z0-9_~+=@,-][A-Za-z0-9._~+=@,-]*$/;
const prefixPattern = /^(?:[A-Za-z0-9_~+=@,-][A-Za-z0-9._~+=@,:-]*(?:\/|$))+$/;
const stampInKey = /^(\d{4}-\d\d-\d\dT\d\d):(\d\d):(\d\dZ)/;
const stampOnDisk = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\dZ)/;

/**
 * Refuses keys that some storage could not hold as they are, in every adapter alike, so that a store can be copied from
 * one kind to another. Colons appear only in the time that starts a snapshot id; no part starts with a dot.
 * @throws {HoldfastError} `invariant_broken`: keys are ours, never a person's
 */
export function checkKey(key: StorageKey): void {
  if (!isKey(key)) {
    throw new HoldfastError('invariant_broken', `Not a storage key: ${JSON.stringify(key.slice(0, 200))}.`);
  }
}

/** True for what `checkKey` lets through. */
export function isKey(key: string): boolean {
  return key.length <= 900 && key.split('/').every(isKeyPart);
}

/** Refuses prefixes that no key could start with. A prefix may end in the middle of a part. */
export function checkPrefix(prefix: StorageKey): void {
  if (prefix !== '' && !prefixPattern.test(prefix)) {
    throw new HoldfastError(
      'invariant_broken',
      `Not a prefix of storage keys: ${JSON.stringify(prefix.slice(0, 200))}.`,
    );
  }
}

/** The name on disk of a part of a key: colons, which Windows forbids, become dashes. */
export function diskNameOf(part: string): string {
  return part.replace(stampInKey, '$1-$2-$3');
}

/** The part of a key a name on disk stands for, or null for names that are not ours. */
export function keyPartOf(diskName: string): string | null {
  if (diskName.includes(':')) return null;
  const part = diskName.replace(stampOnDisk, '$1:$2:$3');
  return isKeyPart(part) ? part : null;
}

function isKeyPart(part: string): boolean {
  // The form for the disk is refused as a key: two keys would share one file.
  return partPattern.test(part.replace(stampInKey, 'x')) && !stampOnDisk.test(part);
}
