import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeStatCache, encodeStatCache, packColumns, unpackColumns } from '../../src/format/stat-cache-format.ts';
import { VaultTree } from '../../src/model/vault-tree.ts';

const header = {
  machine: 'm',
  snapshotId: '2026-04-16T12:00:00Z-x',
  storeId: 'file:///store',
  storeGeneration: '3',
  historyFingerprint: null,
};

function encoded(): Uint8Array {
  const tree = new VaultTree();
  const root = tree.addFolder(-1, -1);
  tree.writeName(0, 'note');
  tree.modes[0] = 0o100644;
  tree.childFolders[0] = -1;
  tree.entryCount = 1;
  tree.folderEntryCounts[root] = 1;
  return new Uint8Array(Buffer.concat(encodeStatCache({ header, tree, memory: new Uint8Array([1, 2, 3]) })));
}

describe('stat cache bytes', () => {
  test('hold the tree without its spare room', () => {
    const decoded = decodeStatCache(encoded())!;
    expect(decoded.header).toEqual(header);
    expect([decoded.tree.entryCount, decoded.tree.modes.length, decoded.tree.name(0)]).toEqual([1, 1, 'note']);
    expect([...decoded.memory]).toEqual([1, 2, 3]);
  });

  test('a tree that was read can grow again', () => {
    const { tree } = decodeStatCache(encoded())!;
    tree.reserveEntries(10);
    tree.writeName(1, 'more');
    expect([tree.name(0), tree.name(1)]).toEqual(['note', 'more']);
  });

  test('of another version are not read', () => {
    const bytes = encoded();
    bytes[4]! += 1;
    expect(decodeStatCache(bytes)).toBe(null);
  });

  test('whose columns do not fit the counts are not read, however right the checksum', () => {
    const bytes = encoded();
    const text = Buffer.from(bytes.buffer).toString('latin1');
    bytes.set(Buffer.from('"entries":2', 'latin1'), text.indexOf('"entries":1'));
    new Uint32Array(bytes.buffer, 8, 1)[0] = crc32(bytes.subarray(16));
    expect(decodeStatCache(bytes)).toBe(null);
  });
});

test('packed columns come back with their types', () => {
  const columns = [new Uint8Array([1]), new Float64Array([0.5, 2]), new Int32Array([-1]), new Uint16Array([7, 8, 9])];
  const unpacked = unpackColumns(new Uint8Array(Buffer.concat(packColumns({ a: 1 }, columns))))!;
  expect(unpacked.header).toEqual({ a: 1 });
  expect(unpacked.columns).toEqual(columns);
  expect(unpackColumns(new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0]))).toBe(null);
});
