import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomFillSync } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { objectHeader } from '../../../src/format/git/object-id.ts';
import { HistoryStore } from './history-store.ts';
import { TemporaryRepositories, treeDigest } from './temporary-repository.ts';

let temporary: TemporaryRepositories;
let store: HistoryStore;
beforeEach(() => {
  temporary = new TemporaryRepositories();
  store = new HistoryStore(temporary);
});
afterEach(() => temporary[Symbol.dispose]());

/** Names of all objects of a repository, as git lists them, alternates included. */
function objectsOf(folder: string): string[] {
  const output = temporary.git(folder, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
  return output.split('\n').slice(0, -1);
}

/** Some history: branches, a merge, tags of both kinds, a stash of two, something amended away. */
function busyRepository(name: string): string {
  const folder = temporary.create(name);
  for (let i = 0; i < 12; i++) temporary.commit(folder, { [`notes/${i}.md`]: `# ${i}\n${'text '.repeat(i * 40)}\n` });
  temporary.git(folder, ['tag', '-a', '-m', 'A tag', 'v1']);
  temporary.git(folder, ['tag', 'light']);
  temporary.git(folder, ['checkout', '-q', '-b', 'side/\u00e9', 'HEAD~3']);
  temporary.commit(folder, { 'side.md': 'side' });
  temporary.git(folder, ['commit', '-q', '--amend', '-m', 'Another word']);
  temporary.git(folder, ['checkout', '-q', 'main']);
  temporary.git(folder, ['merge', '-q', '--no-edit', 'side/\u00e9']);
  for (const content of ['first', 'second']) {
    temporary.write(folder, { 'a.txt': content });
    temporary.git(folder, ['stash', 'push', '-q']);
  }
  return folder;
}

describe('a repository captured', () => {
  test.each(['loose', 'packed', 'packed and loose', 'several packs'])('%s is whole in git\u2019s eyes', async (how) => {
    const folder = busyRepository('vault');
    if (how !== 'loose') temporary.git(folder, ['gc', '-q']);
    if (how !== 'packed' && how !== 'loose') temporary.commit(folder, { 'later.md': 'later' });
    if (how === 'several packs') temporary.git(folder, ['repack', '-q']);
    const before = treeDigest(join(folder, '.git'));

    const capture = await store.capture(temporary.open(folder));

    expect(treeDigest(join(folder, '.git'))).toBe(before);
    expect(capture.problems).toEqual([]);
    expect(capture.state.historyComplete).toBe(true);
    expect(capture.newObjectCount).toBe(objectsOf(folder).length);
    expect([...store.ids].toSorted()).toEqual(objectsOf(folder));
    const restored = store.restore('restored', capture.state);
    expect(restored.fsck).toBe('');
    expect(temporary.git(restored.folder, ['rev-list', '--all', '--count'])).not.toBe('0\n');
    expect(
      temporary.git(restored.folder, [
        'for-each-ref',
        '--format=%(objectname) %(refname)',
        'refs/heads',
        'refs/tags',
        'refs/stash',
      ]),
    ).toBe(temporary.git(folder, ['for-each-ref', '--format=%(objectname) %(refname)']));
  });

  test('again, unchanged, repacked or cut down adds nothing', async () => {
    const folder = busyRepository('vault');
    await store.capture(temporary.open(folder));
    expect((await store.capture(temporary.open(folder))).newObjectCount).toBe(0);
    temporary.git(folder, ['repack', '-a', '-d', '-q']);
    const repacked = await store.capture(temporary.open(folder));
    expect(repacked).toMatchObject({ newObjectCount: 0, copiedPacks: [], storedBytes: 0 });
    temporary.git(folder, ['branch', '-D', 'side/\u00e9']);
    temporary.git(folder, ['stash', 'clear']);
    temporary.git(folder, ['reset', '-q', '--hard', 'HEAD~3']);
    temporary.git(folder, ['reflog', 'expire', '--expire=now', '--all']);
    temporary.git(folder, ['update-ref', '-d', 'ORIG_HEAD']);
    temporary.git(folder, ['gc', '-q', '--prune=now']);
    const cut = await store.capture(temporary.open(folder));
    expect(cut).toMatchObject({ newObjectCount: 0, problems: [] });
    expect(cut.state.extraRoots).toEqual([]);
  });

  test('keeps what a force-push, a dropped stash and a deleted branch take away', async () => {
    const folder = busyRepository('vault');
    const lost = ['main', 'side/\u00e9', 'stash@{0}', 'stash@{1}', 'v1^{}'].map((name) =>
      temporary.git(folder, ['rev-parse', name]).trim(),
    );
    await store.capture(temporary.open(folder));
    temporary.git(folder, ['stash', 'clear']);
    temporary.git(folder, ['branch', '-D', 'side/\u00e9']);
    temporary.git(folder, ['tag', '-d', 'v1', 'light']);
    temporary.git(folder, ['reset', '-q', '--hard', 'HEAD~2']);
    temporary.git(folder, ['update-ref', '-d', 'ORIG_HEAD']);
    temporary.git(folder, ['reflog', 'expire', '--expire=now', '--all']);
    temporary.git(folder, ['gc', '-q', '--prune=now']);
    const { state } = await store.capture(temporary.open(folder));
    const restored = store.restore('restored', state);
    for (const id of lost) {
      expect(temporary.tryGit(folder, ['cat-file', '-e', id]).status).not.toBe(0);
      temporary.git(restored.folder, ['rev-list', '--objects', '--quiet', id]);
    }
  });

  test('with an equal fingerprint is not looked at again', async () => {
    const folder = busyRepository('vault');
    const repository = temporary.open(folder);
    const first = await store.capture(repository);
    // Files this young may change again within one tick of the clock, so nothing is promised about them yet.
    expect(first.fingerprint).toBe('');
    temporary.ageTree(join(folder, '.git', 'objects'), 86_400);
    const aged = await store.capture(repository);
    expect(aged.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    let asked = 0;
    const again = await store.capture(repository, {
      previousFingerprint: aged.fingerprint,
      wrap: (writer) => ({ ...writer, has: () => (asked++, true) }) as typeof writer,
    });
    expect(again).toMatchObject({ newObjectCount: 0, fingerprint: aged.fingerprint });
    expect(again.state).toEqual(aged.state);
    expect(asked).toBe(0);
    const id = temporary.commit(folder, { 'new.md': 'new' });
    const changed = await store.capture(repository, { previousFingerprint: aged.fingerprint });
    expect(changed.state.head).toBe(id);
    expect(changed.newObjectCount).toBe(3);
  });

  test('takes a big pack with little news object by object, deltas resolved', async () => {
    const folder = temporary.create('vault');
    let text = 'line of text\n'.repeat(2_000);
    for (let i = 0; i < 20; i++) {
      text += `line ${i}\n`;
      temporary.commit(folder, { 'growing.md': text });
    }
    await store.capture(temporary.open(folder));
    temporary.commit(folder, { 'growing.md': `${text}more\n` });
    temporary.git(folder, ['gc', '-q', '--aggressive']);
    const { newObjectCount, copiedPacks, problems, state } = await store.capture(temporary.open(folder));
    expect({ newObjectCount, copiedPacks, problems }).toEqual({ newObjectCount: 3, copiedPacks: [], problems: [] });
    expect(store.restore('restored', state).fsck).toBe('');
  });

  test('takes a loose object too large for memory in a stream', async () => {
    const folder = temporary.create('vault');
    const content = Buffer.alloc(65 << 20);
    randomFillSync(content, 0, 4096);
    const header = objectHeader('blob', content.length);
    const id = temporary.git(folder, ['hash-object', '--stdin'], content.toString('latin1')).trim();
    temporary.write(folder, { [`.git/objects/${id.slice(0, 2)}/.keep`]: '' });
    const path = join(folder, '.git', 'objects', id.slice(0, 2), id.slice(2));
    writeFileSync(path, deflateSync(Buffer.concat([Buffer.from(header, 'latin1'), content]), { level: 1 }));
    temporary.git(folder, ['tag', 'large', id]);
    const capture = await store.capture(temporary.open(folder));
    expect(capture.problems).toEqual([]);
    expect(capture.copiedPacks).toHaveLength(1);
    const restored = store.restore('restored', capture.state);
    expect(restored.fsck).toBe('');
    expect(temporary.git(restored.folder, ['cat-file', '-s', id])).toBe(`${content.length}\n`);
  });
});

describe('a repository of another shape', () => {
  test('unborn: state without a head', async () => {
    const folder = temporary.path('vault');
    temporary.git(temporary.root, ['init', '-q', '-b', 'trunk', folder]);
    const { state, problems } = await store.capture(temporary.open(folder));
    expect(problems).toEqual([]);
    expect(state).toMatchObject({ head: null, branch: 'refs/heads/trunk', refs: [], historyComplete: true });
  });

  test('shallow: the list of cut commits comes along, and git accepts it', async () => {
    const source = busyRepository('source');
    const folder = temporary.path('vault');
    temporary.git(temporary.root, ['clone', '-q', '--depth=2', `file://${source}`, folder]);
    const { state, problems } = await store.capture(temporary.open(folder));
    expect(problems).toEqual([]);
    expect(state.shallow.length).toBeGreaterThan(0);
    expect(state.historyComplete).toBe(true);
    expect(store.restore('restored', state).fsck).toBe('');
  });

  test('partial: says that the history is not whole, and fetches nothing', async () => {
    const source = busyRepository('source');
    temporary.git(source, ['config', 'uploadpack.allowFilter', 'true']);
    const folder = temporary.path('vault');
    temporary.git(temporary.root, ['clone', '-q', '--filter=blob:none', '--no-checkout', `file://${source}`, folder]);
    const before = treeDigest(join(folder, '.git'));
    const repository = temporary.open(folder);
    const { state, problems } = await store.capture(repository);
    expect({ problems, historyComplete: state.historyComplete }).toEqual({ problems: [], historyComplete: false });
    expect((await repository.readState()).notices.map((notice) => notice.message).join()).toContain('partial clone');
    expect(treeDigest(join(folder, '.git'))).toBe(before);
  });

  test('borrowing from another: alternates are followed', async () => {
    const source = busyRepository('source');
    const folder = temporary.path('vault');
    temporary.git(temporary.root, ['clone', '-q', '--shared', source, folder]);
    temporary.commit(folder, { 'own.md': 'own' });
    // A relative line, a comment, and a circle that leads back.
    temporary.write(folder, { '.git/objects/info/alternates': '# comment\n../../../source/.git/objects\n' });
    temporary.write(source, { '.git/objects/info/alternates': `${folder}/.git/objects\n` });
    const { state, problems } = await store.capture(temporary.open(folder));
    expect(problems).toEqual([]);
    expect(store.restore('restored', state).fsck).toBe('');
  });

  test('borrowing from one that is gone: said, and not called whole', async () => {
    const source = temporary.create('source');
    const folder = temporary.path('vault');
    temporary.git(temporary.root, ['clone', '-q', '--shared', source, folder]);
    temporary.write(folder, { '.git/objects/info/alternates': '/nowhere/objects\n' });
    const { state, problems, fingerprint } = await store.capture(temporary.open(folder));
    expect(problems.map(({ code }) => code)).toContain('history_incomplete');
    // The branch's commit is not here, so no record may name it.
    expect(state).toMatchObject({ historyComplete: false, head: null, refs: [] });
    expect(fingerprint).toBe('');
  });

  test('linked worktree: own HEAD, shared objects and refs', async () => {
    const main = busyRepository('main');
    const folder = temporary.path('vault');
    temporary.git(main, ['worktree', 'add', '-q', '-b', 'wt', folder]);
    const id = temporary.commit(folder, { 'wt.md': 'worktree' });
    temporary.git(main, ['worktree', 'add', '-q', '--detach', temporary.path('other')]);
    const detached = temporary.commit(temporary.path('other'), { 'x.md': 'detached' });
    const before = treeDigest(join(main, '.git'));
    const { state, problems } = await store.capture(temporary.open(folder));
    expect(problems).toEqual([]);
    expect(state).toMatchObject({ head: id, branch: 'refs/heads/wt' });
    expect(state.refs.map((ref) => ref.name)).toContain('refs/heads/main');
    expect(state.extraRoots).toContain(detached);
    expect(store.restore('restored', state).fsck).toBe('');
    expect(treeDigest(join(main, '.git'))).toBe(before);
  });

  test('submodule: its own history, from the superproject\u2019s folder', async () => {
    const library = busyRepository('library');
    const parent = temporary.create('parent');
    temporary.git(parent, ['submodule', '--quiet', 'add', library, 'libs/sub']);
    const folder = join(parent, 'libs', 'sub');
    const { state, problems } = await store.capture(temporary.open(folder));
    expect(problems).toEqual([]);
    expect(state.head).toBe(temporary.head(folder));
    expect(store.restore('restored', state).fsck).toBe('');
  });
});
