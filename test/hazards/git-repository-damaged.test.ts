import { chmodSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HistoryStore } from '../adapters/git/history-store.ts';
import { TemporaryRepositories } from '../adapters/git/temporary-repository.ts';

let temporary: TemporaryRepositories;
let store: HistoryStore;
beforeEach(() => {
  temporary = new TemporaryRepositories();
  store = new HistoryStore(temporary);
});
afterEach(() => temporary[Symbol.dispose]());

function looseFile(folder: string, id: string): string {
  const path = join(folder, '.git', 'objects', id.slice(0, 2), id.slice(2));
  chmodSync(path, 0o644);
  return path;
}

function onlyPack(folder: string): string {
  const packs = join(folder, '.git', 'objects', 'pack');
  const name = readdirSync(packs).find((file) => file.endsWith('.pack'))!;
  chmodSync(join(packs, name), 0o644);
  return join(packs, name);
}

function objectCount(folder: string): number {
  return temporary.git(folder, ['cat-file', '--batch-all-objects', '--batch-check']).split('\n').length - 1;
}

describe('a loose object that is not what it should be is named, and everything else is captured', () => {
  test.each<[string, (path: string) => void]>([
    ['empty, as after a crash', (path) => truncateSync(path, 0)],
    ['cut short', (path) => truncateSync(path, 10)],
    ['not compressed at all', (path) => writeFileSync(path, 'nonsense')],
    ['of another content', (path) => writeFileSync(path, deflateSync('blob 5\0hello'))],
    ['of another size than it says', (path) => writeFileSync(path, deflateSync('blob 99\0hello'))],
    ['of no known type', (path) => writeFileSync(path, deflateSync('thing 5\0hello'))],
    ['followed by more bytes', (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('more')]))],
  ])('%s', async (_, damage) => {
    const folder = temporary.create('vault');
    const id = temporary.git(folder, ['rev-parse', 'HEAD:a.txt']).trim();
    damage(looseFile(folder, id));
    const capture = await store.capture(temporary.open(folder));
    expect(capture.problems).toHaveLength(1);
    expect(capture.problems[0]).toMatchObject({ code: 'history_damaged' });
    expect(capture.problems[0]!.message).toContain(id);
    expect(capture.state.historyComplete).toBe(false);
    expect(capture.newObjectCount).toBe(4);
    expect(store.ids.has(id)).toBe(false);
    // And it is said again next time.
    const again = await store.capture(temporary.open(folder), { previousFingerprint: capture.fingerprint });
    expect(again.problems).toHaveLength(1);
  });

  test('that unfolds to far more than it says', async () => {
    const folder = temporary.create('vault');
    const path = looseFile(folder, temporary.git(folder, ['rev-parse', 'HEAD:a.txt']).trim());
    writeFileSync(path, deflateSync(Buffer.concat([Buffer.from('blob 5\0'), Buffer.alloc(200 << 20)])));
    const capture = await store.capture(temporary.open(folder));
    expect(capture.problems.map(({ code }) => code)).toEqual(['history_damaged']);
  });

  test('a whole copy in a pack makes up for it', async () => {
    const folder = temporary.create('vault');
    const id = temporary.git(folder, ['rev-parse', 'HEAD:a.txt']).trim();
    temporary.git(folder, ['repack', '-a', '-q']);
    truncateSync(looseFile(folder, id), 0);
    const capture = await store.capture(temporary.open(folder));
    expect(capture.problems).toEqual([]);
    expect(store.restore('restored', capture.state).fsck).toBe('');
  });

  test('the commit HEAD points to: no record may name it as a parent', async () => {
    const folder = temporary.create('vault');
    truncateSync(looseFile(folder, temporary.commit(folder, { x: 'y' })), 0);
    const { state, problems } = await store.capture(temporary.open(folder));
    expect(state).toMatchObject({ head: null, refs: [], historyComplete: false });
    expect(problems.map(({ code }) => code)).toEqual(['history_damaged', 'history_incomplete', 'history_incomplete']);
  });
});

describe('a damaged pack', () => {
  function packedRepository(): string {
    const folder = temporary.create('vault');
    for (let i = 0; i < 30; i++) temporary.commit(folder, { [`${i}.md`]: `text ${i} `.repeat(50) });
    temporary.git(folder, ['gc', '-q']);
    return folder;
  }

  test('with one bad byte loses that object alone', async () => {
    const folder = packedRepository();
    const count = objectCount(folder);
    const id = temporary.git(folder, ['rev-parse', 'HEAD:7.md']).trim();
    const pack = onlyPack(folder);
    const listing = temporary.git(folder, ['verify-pack', '-v', pack]);
    const offset = Number(new RegExp(`^${id} \\S+ +\\d+ \\d+ (\\d+)`, 'm').exec(listing)![1]);
    const bytes = readFileSync(pack);
    bytes[offset + 12]! ^= 0xff;
    writeFileSync(pack, bytes);
    const { problems, newObjectCount, copiedPacks, state } = await store.capture(temporary.open(folder));
    expect(copiedPacks).toEqual([]);
    expect(problems.map(({ code }) => code)).toEqual(['history_damaged']);
    expect(problems[0]!.message).toContain(id);
    expect(newObjectCount).toBe(count - 1);
    expect(state.historyComplete).toBe(false);
    expect(store.restore('restored', state).fsck).toContain(`missing blob ${id}`);
  });

  test('with a bad trailer is still read object by object', async () => {
    const folder = packedRepository();
    const pack = onlyPack(folder);
    const bytes = readFileSync(pack);
    bytes[bytes.length - 1]! ^= 0xff;
    writeFileSync(pack, bytes);
    const { problems, state } = await store.capture(temporary.open(folder));
    expect(problems).toEqual([]);
    expect(store.restore('restored', state).fsck).toBe('');
  });

  test('with a damaged index is left out and named', async () => {
    const folder = packedRepository();
    const later = temporary.commit(folder, { later: 'x' });
    const index = onlyPack(folder).replace(/pack$/, 'idx');
    chmodSync(index, 0o644);
    const bytes = readFileSync(index);
    bytes[bytes.length - 50]! ^= 0xff;
    writeFileSync(index, bytes);
    const { problems, state } = await store.capture(temporary.open(folder));
    expect(problems.map(({ code }) => code)).toEqual(['history_damaged']);
    expect(store.ids.has(later)).toBe(true);
    expect(state.head).toBe(later);
  });

  test('cut short, or a FIFO in its place, ends in a problem and never hangs', async () => {
    const folder = packedRepository();
    const pack = onlyPack(folder);
    truncateSync(pack, 100);
    expect((await store.capture(temporary.open(folder))).problems.map(({ code }) => code)).toContain('history_damaged');
    rmSync(pack);
    temporary.run('mkfifo', [pack]);
    expect((await store.capture(temporary.open(folder))).problems.map(({ code }) => code)).toContain('history_damaged');
  });
});

describe('a hostile .git', () => {
  test('with FIFOs where files belong never hangs', async () => {
    const folder = temporary.create('vault');
    for (const name of [
      'packed-refs',
      'shallow',
      'logs/HEAD',
      'index',
      'objects/info/alternates',
      'refs/heads/fifo',
      'MERGE_HEAD',
      'info/exclude',
    ]) {
      rmSync(join(folder, '.git', name), { force: true });
      temporary.run('mkfifo', [join(folder, '.git', name)]);
    }
    const repository = temporary.open(folder);
    await repository.readState();
    await repository.summary();
    await repository.trackedPaths();
    await repository.ignoresFolder('_restore');
    await repository.historyBytes();
    expect((await repository.readState()).notices.map(({ code }) => code)).toContain('repository_unread');
    rmSync(join(folder, '.git', 'packed-refs'));
    rmSync(join(folder, '.git', 'shallow'));
    const capture = await store.capture(repository);
    expect(capture.problems.map(({ code }) => code)).toContain('history_incomplete');
  });

  test.each(['objects', 'refs'])('whose %s folder leads elsewhere is not followed', async (name) => {
    const other = temporary.create('other');
    const folder = temporary.create('vault');
    rmSync(join(folder, '.git', name), { recursive: true });
    symlinkSync(join(other, '.git', name), join(folder, '.git', name));
    const { state, notices } = await temporary.open(folder).readState();
    expect(state).toBeNull();
    expect(notices[0]!.message).toContain('symbolic link');
  });

  test('whose loose objects are links to files outside gives none of them away', async () => {
    const folder = temporary.create('vault');
    const id = temporary.git(folder, ['rev-parse', 'HEAD:a.txt']).trim();
    const path = looseFile(folder, id);
    temporary.write(temporary.root, { moved: '' });
    writeFileSync(temporary.path('moved'), readFileSync(path));
    rmSync(path);
    symlinkSync(temporary.path('moved'), path);
    const { problems } = await store.capture(temporary.open(folder));
    expect(problems.map(({ code }) => code)).toEqual(['history_incomplete']);
    expect(store.ids.has(id)).toBe(false);
  });

  test('with configuration that names commands starts none', async () => {
    const folder = temporary.create('vault');
    const mark = temporary.path('ran');
    temporary.write(folder, {
      '.git/config':
        `[core]\nrepositoryformatversion = 0\nfsmonitor = "touch ${mark}"\nsshCommand = "touch ${mark}"\npager = "touch ${mark}"\n` +
        `[filter "x"]\nclean = "touch ${mark}"\nsmudge = "touch ${mark}"\n[include]\npath = /dev/zero\npath = /dev/tty\n`,
      '.gitattributes': '* filter=x\n',
    });
    const repository = temporary.open(folder);
    await repository.readState();
    await repository.trackedPaths();
    await repository.ignoresFolder('x');
    expect(temporary.list(temporary.root, '.')).not.toContain('ran');
  });
});
