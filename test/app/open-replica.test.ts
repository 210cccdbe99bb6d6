import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/app/load-config.ts';
import { replicaPlace } from '../../src/app/open-replica.ts';
import { scratchFolder } from '../support/scratch.ts';

function placeOf(store: string, replica: string, folder = scratchFolder()): string {
  const vault = join(folder, 'vault');
  mkdirSync(vault, { recursive: true });
  const host = { env: {}, cwd: vault, home: folder, platform: 'linux', now: () => new Date(0) } as const;
  return replicaPlace(loadConfig({ store }, host), replica);
}

describe('G08: a replica that is the store itself', () => {
  test.each([
    ['s3://bucket/notes', 's3://bucket/notes/'],
    ['s3://bucket/notes', 's3://bucket/notes?region=eu-central-1'],
    ['s3://bucket/notes', 's3://bucket/notes?endpoint=https://s3.eu-central-1.amazonaws.com&pathStyle=false'],
    ['s3://bucket/notes?endpoint=https://S3.example.com/', 's3://bucket/notes?endpoint=https://s3.example.com:443'],
  ])('%s, spelled %s, is refused', (store, replica) => {
    expect(() => placeOf(store, replica)).toThrow(
      expect.objectContaining({ code: 'replica_is_store', kind: 'config' }),
    );
  });

  test.each(['', '/', '/.', '/../store', '//', '/inner', '/..'])(
    'a folder, spelled with %j at its end, is refused',
    (end) => {
      const folder = scratchFolder();
      const store = join(folder, 'stores', 'store');
      mkdirSync(store, { recursive: true });
      for (const replica of [`${store}${end}`, `file://${store}${end}`]) {
        expect(() => placeOf(store, replica, folder)).toThrow(expect.objectContaining({ code: 'replica_is_store' }));
      }
    },
  );

  test('a folder reached by a link is refused, whether it is there yet or not', () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, 'disk'));
    symlinkSync(join(folder, 'disk'), join(folder, 'link'));
    expect(() => placeOf(join(folder, 'disk/store'), join(folder, 'link/store'), folder)).toThrow(
      expect.objectContaining({ code: 'replica_is_store' }),
    );
  });

  test('another prefix, bucket, server or folder is a replica', () => {
    for (const replica of [
      's3://bucket/notes2',
      's3://other/notes',
      's3://bucket/notes?endpoint=https://s3.example.com',
    ]) {
      expect(placeOf('s3://bucket/notes', replica)).toBe(replica);
    }
    const folder = scratchFolder();
    expect(placeOf(join(folder, 'store'), join(folder, 'store-2'), folder)).toBe(`file://${folder}/store-2`);
  });
});
