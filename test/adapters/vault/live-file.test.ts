import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readLiveFile } from '../../../src/adapters/vault/live-file.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { buildVault, makeFifo } from '../../support/vault-builder.ts';

const limit = { sizeBytesMax: 100 };

describe('reading one live file', () => {
  test('gives bytes of files and targets of links, by byte paths', () => {
    const root = scratchFolder();
    buildVault(root, { 'notes/caf\u00e9': 'text', link: { link: 'no\u00ff' } });
    expect(readLiveFile(root, 'notes/caf\u00e9', limit)).toMatchObject({
      kind: 'file',
      executable: false,
      sizeBytes: 4,
    });
    const link = readLiveFile(root, 'link', limit)!;
    expect([link.kind, Buffer.from(link.content!).toString('latin1')]).toEqual(['link', 'no\u00ff']);
  });

  test('leaves out the bytes of what is too large, and says how large', () => {
    const root = scratchFolder();
    buildVault(root, { big: 'x'.repeat(101) });
    expect(readLiveFile(root, 'big', limit)).toEqual({
      kind: 'file',
      executable: false,
      sizeBytes: 101,
      content: null,
    });
  });

  test('never goes through a link, out of the vault, or into what is not a file', () => {
    const home = scratchFolder();
    const root = join(home, 'vault');
    buildVault(home, { 'outside/secret': 'x', 'vault/sub/file': 'x', 'vault/plain': 'x' });
    symlinkSync('../outside', join(root, 'way-out'));
    makeFifo(root, 'pipe');
    const refused = [
      'way-out/secret',
      '../outside/secret',
      'sub/../plain',
      '/plain',
      '',
      'pipe',
      'sub',
      'gone',
      'plain/x',
    ];
    expect(refused.filter((path) => readLiveFile(root, path, limit) !== null)).toEqual([]);
    renameSync(join(root, 'sub'), join(root, 'moved'));
    mkdirSync(join(root, 'elsewhere'));
    symlinkSync('moved', join(root, 'sub'));
    expect(readLiveFile(root, 'sub/file', limit)).toBe(null);
    expect(readLiveFile(root, 'moved/file', limit)?.content).toEqual(new Uint8Array([120]));
  });
});
