import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openHoldingArea } from '../../src/adapters/holding/open-holding-area.ts';
import { openOwnFolder } from '../../src/adapters/holding/own-folder.ts';
import { restoreSnapshot } from '../../src/engine/restore.ts';
import { encodeTree } from '../../src/format/git/tree-codec.ts';
import type { ObjectId } from '../../src/model/ids.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import { fileModes } from '../../src/model/tree.ts';
import { createMemoryReader, type MemoryReader } from '../support/memory-reader.ts';
import { packedBatch } from '../support/packed-batch.ts';
import { restoreDeps } from '../support/restore-deps.ts';
import { addSnapshot } from '../support/sample-snapshot.ts';
import { scratchFolder } from '../support/scratch.ts';

/** A vault with things around it that must never change. */
function openCanaryVault() {
  const top = scratchFolder();
  const vaultRoot = join(top, 'vault');
  for (const folder of ['vault/notes', 'outside/deep', 'vault/.git']) mkdirSync(join(top, folder), { recursive: true });
  for (const file of [
    'outside/canary',
    'outside/deep/canary',
    'vault/canary',
    'vault/notes/canary',
    'vault/.git/config',
  ]) {
    writeFileSync(join(top, file), `untouched ${file}`);
  }
  const reader = createMemoryReader();
  const { deps } = restoreDeps(openHoldingArea({ vaultRoot, holdingDir: '_restore' }));
  return { top, vaultRoot, reader, deps, before: manifest(top) };
}

/** Everything below a folder but the holding directory: kinds, modes, contents, times of change. */
function manifest(top: string): string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) lines.push(`${path} -> ${readlinkSync(path)}`);
    else if (stat.isDirectory()) {
      if (path.endsWith('/_restore')) return;
      lines.push(`${path}/ ${stat.mode}`);
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else lines.push(`${path} ${stat.mode} ${stat.mtimeMs} ${readFileSync(path, 'utf8')}`);
  };
  visit(top);
  return lines;
}

function pointAt(reader: MemoryReader, tree: ObjectId): RestorePoint {
  const point = addSnapshot(reader, { a: 'x' });
  return { ...point, record: { ...point.record, tree } };
}

/** A tree object of any entries, however wrong. */
function rawTree(reader: MemoryReader, entries: readonly { mode: string; name: string; id: ObjectId }[]): ObjectId {
  const parts = entries.map(({ mode, name, id }) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(id, 'hex')]),
  );
  return reader.add('tree', Buffer.concat(parts));
}

const hostileNames = [
  '..',
  '.',
  '',
  '/abs',
  'a/b',
  '../../outside/canary',
  '.git',
  '.GIT',
  '.Git',
  'git~1',
  'GIT~1',
  '.git ',
  '.git.',
  '.git. .',
  '.git::$INDEX_ALLOCATION',
  '.g\xe2\x80\x8cit',
  '.git\xe2\x80\x8d',
  '\xef\xbb\xbf.git',
  '.git.holdfast-chunks',
  '..holdfast-chunks',
  '...holdfast-chunks',
  '.holdfast-chunks',
];

test.each(hostileNames)('a tree entry named %j is refused before anything is written (K12)', async (name) => {
  const { top, vaultRoot, reader, deps, before } = openCanaryVault();
  const blob = reader.add('blob', 'payload');
  const folder = rawTree(reader, [{ mode: '100644', name: 'x', id: blob }]);
  for (const entry of [
    { mode: '100644', name, id: blob },
    { mode: '40000', name, id: folder },
    { mode: '120000', name, id: blob },
  ]) {
    for (const tree of [
      rawTree(reader, [entry]),
      rawTree(reader, [{ mode: '40000', name: 'sub', id: rawTree(reader, [entry]) }]),
    ]) {
      const run = restoreSnapshot(deps, { point: pointAt(reader, tree), reader, paths: null });
      await expect(run).rejects.toMatchObject({ kind: 'integrity' });
    }
  }
  expect(readdirSync(vaultRoot).sort()).toEqual(['.git', 'canary', 'notes']);
  expect(manifest(top)).toEqual(before);
});

test.each<[string, readonly (readonly [string, string])[]]>([
  [
    'twice',
    [
      ['100644', 'a'],
      ['100644', 'a'],
    ],
  ],
  [
    'as a file and as a folder',
    [
      ['100644', 'a'],
      ['40000', 'a'],
    ],
  ],
  [
    'as a link and as a folder below it (K13)',
    [
      ['120000', 'a'],
      ['40000', 'a'],
    ],
  ],
  [
    'as a file and as a folder, not side by side',
    [
      ['100644', 'a'],
      ['100644', 'a.b'],
      ['40000', 'a'],
    ],
  ],
  [
    'as itself and as a file in chunks',
    [
      ['100644', 'a'],
      ['40000', 'a.holdfast-chunks'],
    ],
  ],
  [
    'as a link and as a file in chunks',
    [
      ['120000', 'a'],
      ['40000', 'a.holdfast-chunks'],
    ],
  ],
])('a name that occurs %s is refused', async (_, shape) => {
  const { top, reader, deps, before } = openCanaryVault();
  const link = reader.add('blob', '../../../outside');
  const folder = rawTree(reader, [{ mode: '100644', name: '00000000', id: reader.add('blob', 'payload') }]);
  const entries = shape.map(([mode, name]) => ({ mode, name, id: mode === '40000' ? folder : link }));
  const run = restoreSnapshot(deps, { point: pointAt(reader, rawTree(reader, entries)), reader, paths: null });
  await expect(run).rejects.toMatchObject({ code: 'tree_unsafe' });
  expect(manifest(top)).toEqual(before);
});

test('links that lead out are made last, as links, and nothing goes through them', async () => {
  const { top, reader, deps, before } = openCanaryVault();
  const point = addSnapshot(reader, {
    up: { link: '../../../outside' },
    etc: { link: '/etc/passwd' },
    self: { link: 'self' },
    parent: { link: '.' },
    dangling: { link: 'nowhere' },
    d: { entries: { up: { link: '../../../../outside/canary' }, f: 'payload' } },
  });
  const { directory, complete } = await restoreSnapshot(deps, { point, reader, paths: null });
  expect(complete).toBe(true);
  expect(readlinkSync(join(directory!, 'up'))).toBe('../../../outside');
  expect(readlinkSync(join(directory!, 'd/up'))).toBe('../../../../outside/canary');
  expect(manifest(top)).toEqual(before);
});

test.each(['writePacked', 'writeFile', 'createFolder', 'addLink', 'setFolder'] as const)(
  'a folder that was swapped for a link meanwhile is not written through: %s',
  async (call) => {
    const { top, vaultRoot, before } = openCanaryVault();
    await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
    writer.createFolder('other');
    writer.createFolder('a');
    writer.createFolder('a/b');
    // Leaves no folder open that was proved before the swap.
    writer.createFolder('other/x');
    rmSync(join(writer.directory, 'a/b'), { recursive: true });
    symlinkSync(join(top, 'outside'), join(writer.directory, 'a/b'));
    const pieces = async function* () {
      yield Buffer.from('payload');
    };
    const attempt = async (): Promise<unknown> => {
      switch (call) {
        case 'writePacked':
          return writer.writePacked(
            packedBatch([
              { path: 'a/b/canary', content: 'payload' },
              { path: 'a/b/new', content: 'payload' },
            ]),
          );
        case 'writeFile':
          return writer.writeFile({ path: 'a/b/new', permissions: 0o644, mtimeMs: null }, pieces());
        case 'createFolder':
          return writer.createFolder('a/b/new');
        case 'addLink':
          writer.addLink('a/b/new', 'x', null);
          return writer.finish({ whole: true });
        case 'setFolder':
          writer.setFolder('a/b', 0o777, 0);
          return writer.finish({ whole: true });
      }
    };
    await expect(attempt()).rejects.toMatchObject({ code: 'directory_unusable' });
    expect(manifest(top)).toEqual(before);
  },
);

test('a whole restore moved away and replaced by a link to the vault is not written to', async () => {
  const { top, vaultRoot, before } = openCanaryVault();
  await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
  writer.createFolder('notes');
  renameSync(writer.directory, join(dirname(writer.directory), 'moved'));
  symlinkSync(vaultRoot, writer.directory);
  const batch = packedBatch([
    { path: 'notes/canary', content: 'payload' },
    { path: 'canary', content: 'payload' },
  ]);
  await expect(writer.writePacked(batch)).rejects.toMatchObject({ code: 'directory_unusable' });
  expect(manifest(top)).toEqual(before);
});

test.runIf(process.platform === 'linux')(
  'a swap between check and write changes nothing: names go through the descriptor',
  () => {
    const { top, before } = openCanaryVault();
    const path = scratchFolder();
    mkdirSync(join(path, 'a'));
    const stat = statSync(path);
    const root = { path, device: stat.dev, inode: stat.ino, viaDescriptors: true };
    using folder = openOwnFolder(root, { path: 'a', inode: statSync(join(path, 'a')).ino });
    renameSync(join(path, 'a'), join(path, 'moved'));
    symlinkSync(join(top, 'outside'), join(path, 'a'));
    writeFileSync(folder.pathOf('canary'), 'payload', { flag: 'wx' });
    expect(readFileSync(join(path, 'moved/canary'), 'utf8')).toBe('payload');
    expect(manifest(top)).toEqual(before);
  },
);

test('files already there are never opened, not even through a hard or symbolic link', async () => {
  const { top, vaultRoot, before } = openCanaryVault();
  await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
  symlinkSync(join(top, 'outside/canary'), join(writer.directory, 'f'));
  const problems = await writer.writePacked(packedBatch([{ path: 'f', content: 'payload' }]));
  expect(problems).toMatchObject([{ path: 'f', code: 'name_taken' }]);
  expect(manifest(top)).toEqual(before);
});

test('ten objects that unfold to a billion files are refused with counts, before writing (F38)', async () => {
  const { vaultRoot, reader, deps } = openCanaryVault();
  let id = reader.add('blob', 'a small file');
  let mode: number = fileModes.file;
  for (let depth = 0; depth < 9; depth++) {
    id = reader.add('tree', encodeTree(Array.from({ length: 10 }, (_, i) => ({ name: `n${i}`, mode, id }))));
    mode = fileModes.tree;
  }
  const run = restoreSnapshot(deps, { point: pointAt(reader, id), reader, paths: null });
  await expect(run).rejects.toMatchObject({ code: 'restore_too_large', data: { entries: 1_111_111_110 } });
  await expect(run).rejects.toThrow(/1,111,111,110 files and folders/);
  expect(readdirSync(vaultRoot)).not.toContain('_restore');
});

test('a tree that is deeper than any path can be is refused', async () => {
  const { vaultRoot, reader, deps } = openCanaryVault();
  let id = reader.add('blob', 'bottom');
  let mode: number = fileModes.file;
  for (let depth = 0; depth < 400; depth++) {
    id = reader.add('tree', encodeTree([{ name: 'd'.repeat(200), mode, id }]));
    mode = fileModes.tree;
  }
  const run = restoreSnapshot(deps, { point: pointAt(reader, id), reader, paths: null });
  await expect(run).rejects.toMatchObject({ code: 'tree_unsafe' });
  expect(readdirSync(vaultRoot)).not.toContain('_restore');
});
