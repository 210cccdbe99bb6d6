import { expect, test } from 'vitest';
import { readCommitHistory } from '../../src/engine/commit-history.ts';
import { findFiles } from '../../src/engine/find-files.ts';
import { readPathHistory } from '../../src/engine/path-history.ts';
import { encodeCommit, gitIdentity } from '../../src/format/git/commit-codec.ts';
import { encodeTree } from '../../src/format/git/tree-codec.ts';
import type { ObjectId } from '../../src/model/ids.ts';
import { pathPattern } from '../../src/model/path-pattern.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import { fileModes } from '../../src/model/tree.ts';
import { createMemoryReader, type MemoryReader } from '../support/memory-reader.ts';
import { addSnapshot, type SampleEntry } from '../support/sample-snapshot.ts';

/** Points an hour apart, newest first. */
function pointsOf(reader: MemoryReader, states: readonly Record<string, SampleEntry>[]): RestorePoint[] {
  const points = states.map((state, hour) => {
    const time = `2026-11-20T${String(hour).padStart(2, '0')}:00:00Z`;
    return addSnapshot(reader, state, { id: `${time}-p${hour}`, takenAt: time });
  });
  return points.reverse();
}

const notes = (entries: Record<string, SampleEntry>): Record<string, SampleEntry> => ({ notes: { entries } });

test('lists every version of a path, the times it was gone among them', async () => {
  const reader = createMemoryReader();
  const points = pointsOf(reader, [
    notes({ other: '1' }),
    notes({ plan: 'one' }),
    notes({ plan: 'one', other: '2' }),
    notes({ plan: 'two' }),
    {},
    {},
    notes({ plan: 'one' }),
    notes({ plan: { link: 'one' } }),
  ]);
  const { versions, unreadable } = await readPathHistory(reader, { points, path: 'notes/plan' });
  const shown = versions.map(({ entry, since, until, pointCount }) => [
    entry?.kind ?? null,
    since.record.id.slice(-2),
    until.record.id.slice(-2),
    pointCount,
  ]);
  expect(shown).toEqual([
    ['link', 'p7', 'p7', 1],
    ['file', 'p6', 'p6', 1],
    [null, 'p4', 'p5', 2],
    ['file', 'p3', 'p3', 1],
    ['file', 'p1', 'p2', 2],
  ]);
  expect(versions[1]!.entry!.id).toBe(versions[4]!.entry!.id);
  expect(unreadable).toEqual([]);
  expect((await readPathHistory(reader, { points, path: 'never' })).versions).toEqual([]);
});

test('names points whose folders are damaged instead of calling the path gone', async () => {
  const reader = createMemoryReader();
  const points = pointsOf(reader, [notes({ plan: 'one' }), notes({ plan: 'two' }), notes({ plan: 'two' })]);
  const { versions: before } = await readPathHistory(reader, { points, path: 'notes' });
  reader.drop(before[1]!.entry!.id);
  const { versions, unreadable } = await readPathHistory(reader, { points, path: 'notes/plan' });
  expect(unreadable.map((point) => point.record.id)).toEqual(['2026-11-20T00:00:00Z-p0']);
  expect(versions).toHaveLength(1);
});

test('reads a thousand points with requests for what differs only', async () => {
  const reader = createMemoryReader();
  const states = Array.from({ length: 1000 }, (_, i) => ({
    ...notes({ plan: `version ${Math.floor(i / 100)}` }),
    counter: `${i}`,
  }));
  const points = states.map((state, i) => addSnapshot(reader, state, { id: `2026-11-20T00:00:00Z-p${i}` })).reverse();
  reader.calls.reads = 0;
  reader.calls.ranges = 0;
  const { versions } = await readPathHistory(reader, { points, path: 'notes/plan' });
  expect(versions.map(({ pointCount }) => pointCount)).toEqual(Array(10).fill(100));
  expect(reader.calls.reads + reader.calls.ranges).toBeLessThanOrEqual(20);
});

test('finds paths in all points once, deleted ones included', async () => {
  const reader = createMemoryReader();
  const points = pointsOf(reader, [
    notes({ 'plan.md': 'one', 'old-plan.md': 'x', sub: { entries: { 'deep.md': 'd' } } }),
    notes({ 'plan.md': 'two', sub: { entries: { 'deep.md': 'd' } } }),
    { ...notes({ 'plan.md': 'two' }), copy: { entries: { 'deep.md': 'd' } } },
  ]);
  const { found } = await findFiles(reader, { points, matches: pathPattern('*.md') });
  expect(
    found.map(({ path, pointCount, versionCount, isCurrent }) => [path, pointCount, versionCount, isCurrent]),
  ).toEqual([
    ['copy/deep.md', 1, 1, true],
    ['notes/old-plan.md', 1, 1, false],
    ['notes/plan.md', 3, 2, true],
    ['notes/sub/deep.md', 2, 1, false],
  ]);
});

test.each([
  ['plan', 'notes/PLAN.md', true],
  ['es/pl', 'notes/plan.md', true],
  ['*.md', 'notes/plan.md', true],
  ['*.md', 'notes/plan.mdx', false],
  ['notes/*.md', 'notes/plan.md', true],
  ['notes/*.md', 'notes/sub/plan.md', false],
  ['notes/**/*.md', 'notes/plan.md', true],
  ['notes/**/*.md', 'notes/a/b/plan.md', true],
  ['**', 'x', true],
  ['caf?', 'caf\xc3\xa9', true],
  ['caf?', 'caf\xe9', true],
  ['[a-c]x', 'bx', true],
  ['[!a-c]x', 'bx', false],
  ['a+(b)?', 'a+(b)c', true],
  ['*\\*', 'a\\b', true],
])('the pattern %j on %j: %j', (pattern, path, expected) => {
  expect(pathPattern(pattern)(path, path.slice(path.lastIndexOf('/') + 1))).toBe(expected);
});

function commitOf(reader: MemoryReader, files: Record<string, string>, parents: ObjectId[]): ObjectId {
  const blobs = Object.entries(files).map(([name, text]) => ({
    name,
    mode: fileModes.file,
    id: reader.add('blob', text),
  }));
  const folder = reader.add('tree', encodeTree(blobs));
  const tree = reader.add('tree', encodeTree([{ name: 'd', mode: fileModes.tree, id: folder }]));
  const who = gitIdentity({ name: 'Ada', email: 'a@example.org' }, new Date(1_600_000_000_000 + parents.length));
  const message = Buffer.from(`files: ${Object.keys(files).join()}\n\nmore\n`);
  return reader.add('commit', encodeCommit({ tree, parents, author: who, committer: who, message }));
}

test('lists the commits that changed a path, first parents only', async () => {
  const reader = createMemoryReader();
  const first = commitOf(reader, { other: 'x' }, []);
  const second = commitOf(reader, { f: 'one', other: 'x' }, [first]);
  const third = commitOf(reader, { f: 'one', other: 'y' }, [second]);
  const side = commitOf(reader, { f: 'elsewhere' }, [second]);
  const fourth = commitOf(reader, { f: 'two' }, [third, side]);
  const fifth = commitOf(reader, { other: 'z' }, [fourth]);
  const history = await readCommitHistory(reader, { head: fifth, path: 'd/f' });
  expect(history.touches.map(({ commit }) => commit)).toEqual([fifth, fourth, second]);
  expect(history.touches[0]!.object).toBeNull();
  expect(history.touches[2]).toMatchObject({ subject: 'files: f,other', author: 'Ada', committedAt: 1_600_000_000 });
  expect(history).toMatchObject({ commitsRead: 5, stopped: null });
});

test('says where the history ends that the store does not have', async () => {
  const reader = createMemoryReader();
  const first = commitOf(reader, { f: 'one' }, []);
  const second = commitOf(reader, { f: 'one', g: 'x' }, [first]);
  const third = commitOf(reader, { f: 'two', g: 'x' }, [second]);
  reader.drop(first);
  const history = await readCommitHistory(reader, { head: third, path: 'd/f' });
  expect(history.touches.map(({ commit }) => commit)).toEqual([third]);
  expect(history).toMatchObject({ commitsRead: 2, stopped: 'missing' });
  expect(await readCommitHistory(reader, { head: first, path: 'd/f' })).toEqual({
    touches: [],
    commitsRead: 0,
    stopped: 'missing',
  });
});
