import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { listSnapshots } from '../../src/engine/list-snapshots.ts';
import { reindex } from '../../src/engine/reindex.ts';
import { type RestoreOutcome, restoreSnapshot } from '../../src/engine/restore.ts';
import { loadStoreView, openPointReader } from '../../src/engine/store-view.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { type VerifyReport, verifyStore } from '../../src/engine/verify-store.ts';
import { packIndexKey, recordKey } from '../../src/format/store-layout.ts';
import { type HoldfastError, isHoldfastError } from '../../src/model/errors.ts';
import { parseLabel, type SnapshotId } from '../../src/model/ids.ts';
import type { SnapshotRecord } from '../../src/model/snapshot.ts';
import { Forgery, type RawTreeEntry } from '../support/forge-snapshot.ts';
import { createMemoryStorage, type MemoryStorage } from '../support/memory-storage.ts';
import { deltaCopy, deltaSize } from '../support/pack-builder.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestVault, type TestVault } from '../support/test-vault.ts';
import { prettyJson } from '../../src/format/pretty-json.ts';
import { withRightSum } from '../support/right-sum.ts';

const forgedId = '2026-02-01T00:00:00Z-forged' as SnapshotId;

let storage: MemoryStorage;
let vault: TestVault;
let records: SnapshotRecord[];

/** A store of three snapshots: the second needs the pack of the first, the third shares nothing with them. */
beforeEach(async () => {
  storage = createMemoryStorage();
  vault = openTestVault({ root: join(scratchFolder(), 'vault'), storage });
  records = [];
  await snapshot('first', { 'a.md': 'one\n', 'b.md': 'two\n' });
  await snapshot('second', { 'b.md': 'two, changed\n' });
});

async function snapshot(label: string, files: Readonly<Record<string, string>>): Promise<void> {
  vault.clock.advance(1000);
  for (const [path, text] of Object.entries(files)) vault.write(path, text);
  const outcome = await takeSnapshot(vault.deps, { label: parseLabel(label), kind: 'manual' });
  if (outcome.kind === 'taken') records.push(outcome.record);
}

/** Another machine's folder on the same store, without anything kept: every byte comes from the store. */
function elsewhere(): TestVault {
  return openTestVault({ root: join(scratchFolder(), 'elsewhere'), storage, machine: 'other' });
}

async function verify(): Promise<VerifyReport> {
  return verifyStore(elsewhere().deps, { depth: 'full' });
}

/** Restores a snapshot by its label, in a folder that stands among things nobody may touch. */
async function restore(label: string): Promise<RestoreOutcome | HoldfastError> {
  const { deps } = elsewhere();
  const { points } = await loadStoreView(deps, { refresh: 'always' });
  const point = points.find(({ record }) => record.label === label)!;
  try {
    const { reader } = await openPointReader(deps, points);
    return await restoreSnapshot(deps, { point, reader, paths: null });
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
}

async function expectWhole(label: string, files: Readonly<Record<string, string>>): Promise<void> {
  const outcome = await restore(label);
  expect(outcome).toMatchObject({ complete: true, problems: [] });
  const { directory } = outcome as RestoreOutcome;
  for (const [path, text] of Object.entries(files)) expect(readFileSync(join(directory!, path), 'utf8')).toBe(text);
}

/** Damaged: ends with 7, and whatever is there says so in its name. */
function expectDamaged(outcome: RestoreOutcome | HoldfastError): void {
  const ending = isHoldfastError(outcome)
    ? outcome.kind
    : `${outcome.damaged > 0} ${outcome.directory?.split('.').at(-1)}`;
  expect(['integrity', 'true INCOMPLETE']).toContain(ending);
}

describe('K05: a pack that is missing or cut short', () => {
  test.each<[string, (key: string) => void]>([
    ['missing', (key) => storage.drop(key)],
    ['cut short', (key) => storage.poke(key, storage.peek(key)!.slice(0, 100))],
    ['empty', (key) => storage.poke(key, new Uint8Array())],
  ])('%s: verify names the snapshots that need it, the others restore', async (_how, damage) => {
    for (const path of ['a.md', 'b.md']) rmSync(join(vault.root, path));
    await snapshot('third', { 'c.md': 'three\n' });
    const [first, second] = records;
    const { key } = first!.packs[0]!;
    damage(key);
    const { findings } = await verify();
    const touched = new Set(findings.filter((finding) => finding.key === key).flatMap(({ snapshots }) => snapshots));
    expect(touched).toEqual(new Set([first!.id, second!.id]));
    expectDamaged(await restore('first'));
    expectDamaged(await restore('second'));
    await expectWhole('third', { 'c.md': 'three\n' });
  });
});

describe('K06: a pack index that is missing or wrong', () => {
  test.each<[string, (key: string, other: string) => void]>([
    ['missing', (key) => storage.drop(key)],
    ['cut short', (key) => storage.poke(key, storage.peek(key)!.slice(0, 500))],
    ['the index of another pack', (key, other) => storage.poke(key, storage.peek(other)!)],
    ['grown', (key) => storage.poke(key, Buffer.concat([storage.peek(key)!, Buffer.alloc(9)]))],
  ])('%s: it is rebuilt from the pack, and nothing is lost', async (_how, damage) => {
    const [key, other] = records.map(({ packs }) => packIndexKey(packs[0]!.key)) as [string, string];
    damage(key, other);
    const report = await verify();
    expect(report).toMatchObject({ findings: [], rebuiltIndexes: [records[0]!.packs[0]!.key] });
    await expectWhole('first', { 'a.md': 'one\n', 'b.md': 'two\n' });
    await expectWhole('second', { 'a.md': 'one\n', 'b.md': 'two, changed\n' });
  });
});

describe('K08: the right name, other content', () => {
  const swap = (a: string, b: string): void => {
    const [bytesA, bytesB] = [storage.peek(a)!, storage.peek(b)!];
    storage.poke(a, bytesB);
    storage.poke(b, bytesA);
  };

  test('two packs swapped, with their indexes or without', async () => {
    const [a, b] = records.map(({ packs }) => packs[0]!.key) as [string, string];
    swap(a, b);
    expect((await verify()).findings.map(({ key }) => key)).toEqual(expect.arrayContaining([a, b]));
    expectDamaged(await restore('first'));
    expectDamaged(await restore('second'));
    swap(packIndexKey(a), packIndexKey(b));
    expect((await verify()).findings.map(({ key }) => key)).toEqual(expect.arrayContaining([a, b]));
    expectDamaged(await restore('second'));
  });

  test('two records swapped', async () => {
    const [a, b] = records.map(({ id }) => recordKey(id)) as [string, string];
    swap(a, b);
    expect((await verify()).findings.map(({ key }) => key).toSorted()).toEqual([a, b].toSorted());
    const { points, invalid } = await listSnapshots(elsewhere().deps, { refresh: 'always' });
    expect(points).toEqual([]);
    expect(invalid.map(({ id }) => id)).toEqual(records.map(({ id }) => id));
  });

  test('an older record put back over a newer one', async () => {
    const key = recordKey(records[1]!.id);
    const changed = { ...records[1]!, tree: records[0]!.tree, commit: records[0]!.commit };
    storage.poke(key, Buffer.from(withRightSum(prettyJson({ format: 1, ...changed }))));
    const { findings } = await verifyStore(vault.deps, { depth: 'quick' });
    expect(findings.map((finding) => finding.key)).toEqual([key]);
  });
});

describe('K12, K13: a tree that would write where it may not', () => {
  const evilNames = [
    '..',
    '.',
    '',
    '/abs',
    'a/b',
    '../../canary',
    '.git',
    '.GIT',
    'git~1',
    '.git.',
    '.git ',
    '.g\xe2\x80\x8cit',
  ];
  const file = (name: string, id: string): RawTreeEntry => ({ mode: '100644', name, id });
  type Case = [what: string, entriesOf: (forgery: Forgery, blob: string) => RawTreeEntry[]];
  const cases: Case[] = [
    ...evilNames.map((name): Case => [`the name ${JSON.stringify(name)}`, (_forgery, blob) => [file(name, blob)]]),
    ...evilNames.map((name): Case => [
      `a folder of the name ${JSON.stringify(name)}`,
      (forgery, blob) => [{ mode: '40000', name, id: forgery.tree([file('canary', blob)]) }],
    ]),
    ['one name twice', (_forgery, blob) => [file('twice', blob), file('twice', blob)]],
    [
      'a file and a folder of one name',
      (forgery, blob) => [file('a', blob), { mode: '40000', name: 'a', id: forgery.tree([file('canary', blob)]) }],
    ],
    [
      'a link and a folder of its name',
      (forgery, blob) => [
        { mode: '120000', name: 'd', id: forgery.blob('../../outside') },
        { mode: '40000', name: 'd', id: forgery.tree([file('canary', blob)]) },
      ],
    ],
    ['a repository in the place of a file', (_forgery, blob) => [{ mode: '160000', name: 'sub', id: blob }]],
  ];
  // Every object is what its name says, so there is nothing for verify to find; no restore takes them for files.
  const wholeCases: Case[] = [
    [
      'a link and a file in pieces that claims its name',
      (forgery, blob) => [
        { mode: '120000', name: 'd', id: forgery.blob('../../outside/canary') },
        { mode: '40000', name: 'd.holdfast-chunks', id: forgery.tree([file('00000000', blob)]) },
      ],
    ],
    [
      'a file in pieces that names itself elsewhere',
      (forgery, blob) => [
        {
          mode: '40000',
          name: `long~${'0'.repeat(40)}.holdfast-chunks`,
          id: forgery.tree([file('00000000', blob), file('name', forgery.blob('../../outside/canary'))]),
        },
      ],
    ],
  ];
  test.each([...cases, ...wholeCases])('%s: refused, and nothing outside is touched', async (what, entriesOf) => {
    const forgery = new Forgery();
    const harmless = file('zz', forgery.blob('harmless'));
    const tree = forgery.tree([...entriesOf(forgery, forgery.blob('evil')), harmless]);
    forgery.publish(storage, tree, { id: forgedId });
    const { root, deps } = elsewhere();
    const outside = join(root, '..', 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'canary'), 'alive');
    const { points } = await loadStoreView(deps, { refresh: 'always' });
    const point = points.find(({ record }) => record.id === forgedId)!;
    const { reader } = await openPointReader(deps, points);
    const outcome = await restoreSnapshot(deps, { point, reader, paths: null }).catch(
      (error: unknown) => error as HoldfastError,
    );
    expectDamaged(outcome);
    expect(readFileSync(join(outside, 'canary'), 'utf8')).toBe('alive');
    expect(readdirSync(outside)).toEqual(['canary']);
    expect(readdirSync(join(root, '..')).toSorted()).toEqual(['elsewhere', 'outside']);
    expect(readdirSync(root).toSorted()).toEqual(
      existsSync(join(root, '_restore')) ? ['_restore', 'state'] : ['state'],
    );
    const isFound = (await verify()).findings.length > 0;
    expect(isFound).toBe(cases.some(([found]) => found === what));
    await expectWhole('second', { 'a.md': 'one\n' });
  });
});

describe('K14, K15: a record that lies', () => {
  const lies: [string, (document: Record<string, unknown>) => void][] = [
    ['an id that leads elsewhere', (document) => (document['id'] = '../../../etc/passwd')],
    ['an id with control bytes', (document) => (document['id'] = 'x\u001b[2J')],
    ['the id of another', (document) => (document['id'] = '2026-03-01T09:00:01Z-first')],
    ['an empty label', (document) => (document['label'] = '')],
    ['a label of a megabyte', (document) => (document['label'] = 'x'.repeat(1 << 20))],
    ['a label with control bytes', (document) => (document['label'] = 'x\u0007\u001b]52;c;eA==\u0007')],
    ['a pack outside the store', (document) => (packOf(document)['key'] = '../../other/pack-x.pack')],
    ['a pack of a negative size', (document) => (packOf(document)['sizeBytes'] = -1)],
    ['a pack of half a byte', (document) => (packOf(document)['sizeBytes'] = 0.5)],
    ['a pack of 2^63 bytes', (document) => (packOf(document)['sizeBytes'] = 2 ** 63)],
    ['files of a negative size', (document) => (countsOf(document)['sizeBytes'] = -5)],
    ['more files than there are numbers', (document) => (countsOf(document)['files'] = 2 ** 60)],
    ['a tree that is a path', (document) => (document['tree'] = '/etc/passwd')],
    ['a time that is none', (document) => (document['takenAt'] = 'yesterday')],
  ];
  const packOf = (document: Record<string, unknown>) => (document['packs'] as Record<string, unknown>[])[0]!;
  const countsOf = (document: Record<string, unknown>) => document['counts'] as Record<string, unknown>;

  test.each(lies)('%s: listed as invalid, a finding of verify, and no harm to the others', async (_what, lie) => {
    const key = recordKey(records[1]!.id);
    const document = JSON.parse(Buffer.from(storage.peek(key)!).toString()) as Record<string, unknown>;
    lie(document);
    delete document['sum'];
    storage.poke(key, Buffer.from(withRightSum(prettyJson(document))));
    const { points, invalid } = await listSnapshots(elsewhere().deps, { refresh: 'always' });
    expect(points.map(({ record }) => record.label)).toEqual(['first']);
    expect(invalid.map(({ id }) => id)).toEqual([records[1]!.id]);
    expect(invalid[0]!.reason).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect((await verify()).findings.map((finding) => finding.key)).toEqual([key]);
    await expectWhole('first', { 'a.md': 'one\n', 'b.md': 'two\n' });
  });

  test('more bytes than any disk has: refused before anything is written', async () => {
    const forgery = new Forgery();
    const tree = forgery.tree([{ mode: '100644', name: 'a', id: forgery.blob('small') }]);
    const counts = { ...records[0]!.counts, sizeBytes: Number.MAX_SAFE_INTEGER };
    forgery.publish(storage, tree, { id: forgedId, counts });
    expect(await restore('forged')).toMatchObject({ code: 'disk_full' });
  });

  test('a pack said to be terabytes long costs neither memory nor time', async () => {
    const forgery = new Forgery();
    const tree = forgery.tree([{ mode: '100644', name: 'a', id: forgery.blob('small') }]);
    const { packs } = forgery.publish(storage, tree, { id: forgedId });
    const huge = packs.map((pack) => ({ ...pack, sizeBytes: 2 ** 45, indexSizeBytes: 2 ** 45, objectCount: 2 ** 40 }));
    new Forgery().publish(storage, tree, { id: forgedId, packs: huge });
    expectDamaged(await restore('forged'));
    expect((await verify()).findings.length).toBeGreaterThan(0);
    await expectWhole('second', { 'a.md': 'one\n' });
  });
});

describe('K16: bombs in a store end with 7, in bounded time and memory', () => {
  const mebibyte = 1 << 20;
  const zeros = deflateSync(Buffer.alloc(256 * mebibyte), { level: 1 });
  const blob = (): string => Buffer.from(Array.from({ length: 20 }, (_, i) => i + 1)).toString('hex');
  const bombs: [string, (forgery: Forgery) => string][] = [
    [
      'much behind a small size',
      (forgery) => forgery.raw({ type: 3, content: zeros, compressed: zeros, statedSize: 10 }, blob()),
    ],
    [
      'little behind a terabyte',
      (forgery) => forgery.raw({ type: 3, content: zeros, statedSize: 2 ** 40, compressed: deflateSync('x') }, blob()),
    ],
    [
      '256 MiB that are not what the name says',
      (forgery) => forgery.raw({ type: 3, content: zeros, compressed: zeros, statedSize: 256 * mebibyte }, blob()),
    ],
    [
      'deltas in a circle',
      (forgery) => {
        const delta = Buffer.concat([deltaSize(10), deltaSize(10), deltaCopy(0, 10)]);
        const [a, b] = ['aa'.repeat(20), 'bb'.repeat(20)];
        forgery.raw({ type: 7, content: delta, baseId: b }, a);
        return forgery.raw({ type: 7, content: delta, baseId: a }, b);
      },
    ],
    [
      'deltas that multiply',
      (forgery) => {
        let size = 1024;
        let last = forgery.raw({ type: 3, content: Buffer.alloc(size) }, '01'.repeat(20));
        for (let level = 2; level < 12; level++) {
          const copies = Array.from({ length: 64 }, () => deltaCopy(0, Math.min(size, 0xffffff)));
          const grown = Math.min(size, 0xffffff) * 64;
          const content = Buffer.concat([deltaSize(size), deltaSize(grown), ...copies]);
          const baseEntry = forgery.entryCount - 1;
          last = forgery.raw({ type: 6, content, baseEntry }, level.toString(16).padStart(2, '0').repeat(20));
          size = grown;
        }
        return last;
      },
    ],
    [
      'a folder that holds itself',
      (forgery) => {
        const content = Buffer.concat([Buffer.from('40000 self\0'), Buffer.from('cc'.repeat(20), 'hex')]);
        return forgery.raw({ type: 2, content }, 'cc'.repeat(20));
      },
    ],
  ];

  test.each(bombs)('%s', { timeout: 30_000 }, async (what, plant) => {
    const forgery = new Forgery();
    const id = plant(forgery);
    const mode = what.startsWith('a folder') ? '40000' : '100644';
    forgery.publish(storage, forgery.tree([{ mode, name: 'bomb', id }]), { id: forgedId });
    const before = process.memoryUsage.rss();
    expectDamaged(await restore('forged'));
    const { findings } = await verify();
    expect(findings.flatMap(({ snapshots }) => snapshots)).toContain(forgedId);
    // An object may unfold to 512 MiB before it is refused, and its base lies beside it.
    expect(process.memoryUsage.rss() - before).toBeLessThan(1024 * mebibyte);
    await expectWhole('second', { 'a.md': 'one\n' });
  });
});

test('K17: what lies in the bucket beside us is neither read, counted nor changed', async () => {
  const foreign = [
    'snapshots/notes.txt',
    'snapshots/2026-03-01T09:00:01Z-first/notes.txt',
    'snapshots/2026-03-01T09:00:01Z-first/pack-short.pack',
    'snapshots/not an id/snapshot.json',
    'snapshots/2026-13-99T09:00:01Z-x/other.json',
    'snapshots/deep/er/snapshot.json',
    'packs/readme.md',
    'something/else.bin',
    'holdfast.json.bak',
    '.hidden/x',
  ];
  const clean = (await verify()).readBytes;
  for (const key of foreign) storage.poke(key, Buffer.from(`foreign ${key}`));
  const calls = storage.calls.length;
  await snapshot('with strangers', { 'c.md': 'three\n' });
  const { points, invalid, missing } = await listSnapshots(elsewhere().deps, { refresh: 'always' });
  expect([points.length, invalid, missing]).toEqual([3, [], []]);
  expect(await verify()).toMatchObject({ findings: [], snapshots: 3 });
  expect((await verify()).readBytes).toBe(clean + records[2]!.packs[0]!.sizeBytes);
  await reindex(vault.deps);
  const touched = storage.calls.slice(calls).filter((call) => foreign.some((key) => call.endsWith(` ${key}`)));
  expect(touched).toEqual([]);
  for (const key of foreign) expect(Buffer.from(storage.peek(key)!).toString()).toBe(`foreign ${key}`);
});

test('K14: a record larger than any is one invalid record; the others are listed and restored', async () => {
  storage.poke(recordKey(forgedId), new Uint8Array(20_000_000).fill(32));
  const { points, invalid } = await listSnapshots(elsewhere().deps, { refresh: 'always' });
  expect([points.length, invalid.map(({ id }) => id)]).toEqual([2, [forgedId]]);
  await expectWhole('first', { 'a.md': 'one\n' });
});
