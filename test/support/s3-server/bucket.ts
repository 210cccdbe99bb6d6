import { createHash, randomBytes } from 'node:crypto';

export interface BucketVersion {
  readonly id: string;
  readonly modifiedAt: Date;
  readonly etag: string;
  readonly sha256: string | undefined;
  /** Null for a delete marker. */
  bytes: Buffer | null;
}

export interface BucketPart {
  readonly bytes: Buffer;
  readonly etag: string;
}

export interface BucketUpload {
  readonly id: string;
  readonly key: string;
  readonly hasChecksum: boolean;
  initiatedAt: Date;
  readonly parts: Map<number, BucketPart>;
}

/** What one bucket holds; changed by the server's operations and, behind its back, by tests. */
export interface Bucket {
  readonly name: string;
  versioning: 'Enabled' | 'Suspended' | null;
  lifecycle: string | null;
  /** Newest version last. */
  readonly objects: Map<string, BucketVersion[]>;
  readonly uploads: Map<string, BucketUpload>;
}

export function createBucket(name: string): Bucket {
  return { name, versioning: 'Enabled', lifecycle: null, objects: new Map(), uploads: new Map() };
}

/** Adds a version (null: a delete marker); without versioning it takes the place of what was there. */
export function addVersion(
  bucket: Bucket,
  key: string,
  version: { bytes: Buffer | null; etag?: string; sha256?: string | undefined },
): BucketVersion {
  const before = bucket.objects.get(key) ?? [];
  const isVersioned = bucket.versioning === 'Enabled';
  const added: BucketVersion = {
    // Ids say nothing about order, as with the real ones.
    id: isVersioned ? randomBytes(12).toString('hex') : 'null',
    modifiedAt: nextTime(before.at(-1)),
    etag: version.etag ?? (version.bytes === null ? '' : md5Hex(version.bytes)),
    sha256: version.sha256,
    bytes: version.bytes,
  };
  bucket.objects.set(key, [...(isVersioned ? before : before.filter((one) => one.id !== 'null')), added]);
  return added;
}

/** The current object, or undefined where there is none or a delete marker stands. */
export function currentVersion(bucket: Bucket, key: string): BucketVersion | undefined {
  const latest = bucket.objects.get(key)?.at(-1);
  return latest?.bytes === null ? undefined : latest;
}

export function removeVersion(bucket: Bucket, key: string, id: string): void {
  const rest = (bucket.objects.get(key) ?? []).filter((version) => version.id !== id);
  if (rest.length === 0) bucket.objects.delete(key);
  else bucket.objects.set(key, rest);
}

/** Keys that begin with `prefix`, in byte order, with or without a current object. */
export function keysBelow(bucket: Bucket, prefix: string): string[] {
  const keys = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix));
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

export function md5Hex(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

export function sha256Base64(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** Two versions of a key never carry the same time here, so that their order can be told. */
function nextTime(before: BucketVersion | undefined): Date {
  return new Date(Math.max(Date.now(), (before?.modifiedAt.getTime() ?? 0) + 1));
}
