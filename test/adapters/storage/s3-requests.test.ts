import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StorageBody } from '../../../src/ports/object-storage.ts';
import { bytesBody } from '../../contracts/object-storage.contract.ts';
import { addVersion } from '../../support/s3-server/bucket.ts';
import { failure, listKeys, minutes, recordKey, small, useS3Rig } from '../../support/s3-rig.ts';

const rig = useS3Rig();

describe('requests', () => {
  it('a create on a known storage is one PUT', async () => {
    const storage = await rig.openLearnt();
    const before = { ...storage.requests };
    await storage.putIfAbsent(recordKey, bytesBody(small));
    expect(rig.server.requests).toEqual([`PutObject store/${recordKey}`]);
    expect(storage.requests).toEqual({ ...before, put: before.put + 1 });
  });

  it('the first create of all learns what the storage does', async () => {
    const storage = await rig.open();
    expect(storage.createIsExclusive).toBe(false);
    await storage.putIfAbsent(recordKey, bytesBody(small));
    expect(rig.operations()).toEqual(['HeadObject', 'PutObject', 'PutObject']);
    expect(storage.createIsExclusive).toBe(true);
    expect(rig.versionCount()).toBe(1);
  });

  it('what was learnt is remembered across runs', async () => {
    const capabilitiesFile = join(rig.scratch, 'capabilities.json');
    await rig.openLearnt({ capabilitiesFile });
    const again = await rig.open({ capabilitiesFile });
    expect(again.createIsExclusive).toBe(true);
    await again.putIfAbsent(recordKey, bytesBody(small));
    expect(rig.server.requests).toEqual([`PutObject store/${recordKey}`]);
  });

  it('a damaged memory is learnt anew', async () => {
    const capabilitiesFile = join(rig.scratch, 'capabilities.json');
    writeFileSync(capabilitiesFile, '{"s3://bucket');
    await rig.openLearnt({ capabilitiesFile });
    expect(JSON.parse(readFileSync(capabilitiesFile, 'utf8'))).toMatchObject({
      [rig.server.storeUrl()]: { conditionalCreate: 'proved', sendsChecksums: true },
    });
  });

  it('a large body goes up in parts and is proved without reading it back', async () => {
    const storage = await rig.openLearnt();
    const bytes = randomBytes(20 << 20);
    await storage.putIfAbsent(recordKey, rig.fileBody(bytes));
    expect(rig.stored()?.equals(bytes)).toBe(true);
    expect(rig.operations().toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'CompleteMultipartUpload',
      'CreateMultipartUpload',
      'HeadObject',
      'UploadPart',
      'UploadPart',
      'UploadPart',
    ]);
  });

  it('sends every key of the store below its prefix only', async () => {
    const storage = await rig.open({ url: rig.server.storeUrl('deep/er') });
    await storage.putIfAbsent('holdfast.json', bytesBody(small));
    expect([...rig.server.bucket.objects.keys()]).toEqual(['deep/er/holdfast.json']);
    addVersion(rig.server.bucket, 'deep/er2/holdfast.json', { bytes: small });
    expect(await listKeys(storage)).toEqual(['holdfast.json']);
  });
});

describe('S15 conditions', () => {
  it.each(['refused', 'ignored'] as const)('that are %s are found out once and remembered', async (conditions) => {
    rig.server.behaviour.conditions = conditions;
    const capabilitiesFile = join(rig.scratch, 'capabilities.json');
    const storage = await rig.openLearnt({ capabilitiesFile });
    expect(storage.createIsExclusive).toBe(false);
    const again = await rig.open({ capabilitiesFile });
    await again.putIfAbsent(recordKey, bytesBody(small));
    expect(rig.operations()).toEqual(['HeadObject', 'PutObject']);
    expect(rig.stored()).toEqual(small);
  });

  it('that stop being taken do not stop us', async () => {
    const storage = await rig.openLearnt();
    rig.server.behaviour.conditions = 'refused';
    expect(await storage.putIfAbsent(recordKey, bytesBody(small))).toBe('created');
    expect(storage.createIsExclusive).toBe(false);
    addVersion(rig.server.bucket, 'store/packs/x', { bytes: Buffer.from('other') });
    expect(await failure(storage.putIfAbsent('packs/x', bytesBody(small)))).toMatchObject({ code: 'storage_conflict' });
  });

  it('are tried again after a month', async () => {
    rig.server.behaviour.conditions = 'refused';
    const capabilitiesFile = join(rig.scratch, 'capabilities.json');
    await rig.openLearnt({ capabilitiesFile });
    rig.server.behaviour.conditions = 'honoured';
    await rig.clock.sleep(31 * 24 * 60 * minutes);
    rig.server.clockOffsetMs = 0;
    const later = await rig.open({ capabilitiesFile });
    await later.putIfAbsent(recordKey, bytesBody(small));
    expect(later.createIsExclusive).toBe(true);
  });
});

describe('S21 checksum headers', () => {
  it.each(['refused', 'refused_400'] as const)('that are %s are left out from then on', async (checksums) => {
    rig.server.behaviour.checksums = checksums;
    const storage = await rig.openLearnt();
    expect(storage.createIsExclusive).toBe(true);
    await storage.putIfAbsent(recordKey, bytesBody(small));
    expect(rig.stored()).toEqual(small);
    // No refused attempt any more; without an echo, a look.
    expect(rig.operations()).toEqual(['PutObject', 'HeadObject']);
  });

  it('that are refused do not stop a large upload', async () => {
    rig.server.behaviour.checksums = 'refused';
    const bytes = randomBytes(17 << 20);
    await (await rig.open()).putIfAbsent(recordKey, rig.fileBody(bytes));
    expect(rig.stored()?.equals(bytes)).toBe(true);
    expect(rig.server.bucket.uploads.size).toBe(0);
  });

  it('are never sent where the store URL says so', async () => {
    rig.server.behaviour.checksums = 'refused';
    const storage = await rig.open({ url: `${rig.server.storeUrl()}&checksum=off` });
    await storage.put(recordKey, bytesBody(small));
    expect(rig.operations()).toEqual(['PutObject', 'HeadObject']);
  });
});

describe('a file to be stored', () => {
  it.each([100, 20 << 20])('that is not what it was sealed as (%i bytes) is not stored', async (size) => {
    const storage = await rig.openLearnt();
    const body = rig.fileBody(randomBytes(size)) as StorageBody & { kind: 'file' };
    writeFileSync(body.path, randomBytes(size));
    expect(await failure(storage.putIfAbsent(recordKey, body))).toMatchObject({
      code: 'spool_damaged',
      kind: 'integrity',
    });
    rmSync(body.path);
    expect(await failure(storage.putIfAbsent(recordKey, body))).toMatchObject({ code: 'spool_damaged' });
    expect(rig.stored()).toBeNull();
    expect(rig.server.bucket.uploads.size).toBe(0);
  });
});
