import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openTreeReader } from '../../src/engine/read-tree.ts';
import { listSnapshots } from '../../src/engine/list-snapshots.ts';
import { openPointReader } from '../../src/engine/store-view.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { parseLabel, type ObjectId, type SnapshotId } from '../../src/model/ids.ts';
import type { RestorePoint } from '../../src/model/restore-point.ts';
import type { SnapshotRecord } from '../../src/model/snapshot.ts';
import type { ObjectReader } from '../../src/ports/object-reader.ts';
import { createMemoryStorage, type MemoryStorage } from './memory-storage.ts';
import { scratchFolder } from './scratch.ts';
import { type MovableClock, movableClock, openTestVault, type TestVault } from './test-vault.ts';

/** Several machines on one store in memory, and what every snapshot held when it was taken. */
export interface PruneWorld {
  readonly clock: MovableClock;
  readonly storage: MemoryStorage;
  /** The contents of each snapshot, by path; kept when it is pruned. */
  readonly held: Map<SnapshotId, ReadonlyMap<string, string>>;
  /** Opens a machine's vault as its next command does. */
  machine(name: string): TestVault;
  /** Replaces the files of a machine's vault. */
  fill(name: string, files: ReadonlyMap<string, string>): void;
  take(name: string, label?: string): Promise<SnapshotRecord | null>;
  /** The ids in the store, by a machine that has never seen it. */
  stored(): Promise<readonly RestorePoint[]>;
  /** Reads every file of every snapshot in the store and compares it with what was captured; returns how many there are. */
  assertWhole(): Promise<number>;
}

export function openPruneWorld(options: { start?: string } = {}): PruneWorld {
  const clock = movableClock(options.start);
  const storage = createMemoryStorage({ now: () => clock.now() });
  const folder = scratchFolder();
  const held = new Map<SnapshotId, ReadonlyMap<string, string>>();
  let strangers = 0;
  const machine = (name: string): TestVault =>
    openTestVault({ root: join(folder, name), storage, clock, machine: name });
  const readHere = async (): Promise<{ points: readonly RestorePoint[]; reader: ObjectReader }> => {
    const stranger = machine(`stranger-${strangers++}`);
    const { points, missing, invalid } = await listSnapshots(stranger.deps, { refresh: 'always' });
    if (missing.length + invalid.length > 0) throw new Error('the listing is not clean');
    return { points, reader: (await openPointReader(stranger.deps, points)).reader };
  };
  return {
    clock,
    storage,
    held,
    machine,
    fill(name, files) {
      const root = join(folder, name);
      mkdirSync(root, { recursive: true });
      for (const entry of readdirSync(root)) if (entry !== 'state') rmSync(join(root, entry), { recursive: true });
      const vault = machine(name);
      for (const [path, content] of files) vault.write(path, content);
    },
    async take(name, label) {
      const vault = machine(name);
      const outcome = await takeSnapshot(vault.deps, {
        label: label === undefined ? null : parseLabel(label),
        kind: label === undefined ? 'auto' : 'manual',
      });
      if (outcome.kind !== 'taken') return null;
      held.set(outcome.record.id, filesOn(join(folder, name)));
      return outcome.record;
    },
    stored: async () => (await readHere()).points,
    async assertWhole() {
      const { points, reader } = await readHere();
      for (const { record } of points) {
        const expected = held.get(record.id);
        if (expected === undefined) throw new Error(`nobody took ${record.id}`);
        const files = await readSnapshot(reader, record.tree);
        for (const path of files.keys()) if (path.startsWith('state/')) files.delete(path);
        if (listing(files) !== listing(expected)) {
          throw new Error(`${record.id} is not what was captured`);
        }
        // Times and modes are part of it.
        await readSnapshot(reader, (await commitTree(reader, record.metadata)) as ObjectId);
      }
      return points.length;
    },
  };
}

function listing(files: ReadonlyMap<string, string>): string {
  return JSON.stringify([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function commitTree(reader: ObjectReader, commit: ObjectId): Promise<string> {
  const { content } = await reader.read(commit);
  return Buffer.from(content.subarray(5, 45)).toString('latin1');
}

async function readSnapshot(reader: ObjectReader, tree: ObjectId): Promise<Map<string, string>> {
  const trees = openTreeReader(reader);
  const files = new Map<string, string>();
  const walk = async (id: ObjectId, prefix: string): Promise<void> => {
    for (const entry of await trees.folder(id)) {
      if (entry.kind === 'folder') await walk(entry.id, `${prefix}${entry.name}/`);
      else files.set(`${prefix}${entry.name}`, Buffer.from((await reader.read(entry.id)).content).toString());
    }
  };
  await walk(tree, '');
  return files;
}

function filesOn(root: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const walk = (folder: string, prefix: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = `${prefix}${entry.name}`;
      if (path === 'state' || path === '_restore') continue;
      if (entry.isDirectory()) walk(join(folder, entry.name), `${path}/`);
      else files.set(path, readFileSync(join(folder, entry.name), 'utf8'));
    }
  };
  walk(root, '');
  return files;
}
