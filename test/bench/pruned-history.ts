import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTestVault, movableClock, type MovableClock, type TestVault } from '../support/test-vault.ts';
import { createMemoryStorage, type MemoryStorage } from '../support/memory-storage.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import { textVault } from './corpus.ts';

/** A store in memory with snapshots of small edits, one an hour, made by the engine under a clock of its own. */
export interface EditedHistory {
  readonly vault: TestVault;
  readonly storage: MemoryStorage;
  readonly clock: MovableClock;
}

/** The edits: the same for every program that is compared. `onEdit` is called after each, with the time it is to be taken at. */
export async function editHourly(
  root: string,
  options: { count: number; onEdit(takenAt: Date): void | Promise<void> },
): Promise<void> {
  textVault(root, { files: 500, seed: 7 });
  const startMs = Date.parse('2026-01-01T00:30:00Z');
  for (let i = 0; i < options.count; i++) {
    appendFileSync(join(root, `area-${i % 20}`, 'topic-0', 'folder-0', `note-${(i % 20) * 10}.md`), `\nedit ${i}\n`);
    await options.onEdit(new Date(startMs + i * 3_600_000));
  }
}

export async function editedHistory(root: string, count: number): Promise<EditedHistory> {
  const clock = movableClock('2026-01-01T00:30:00Z');
  const storage = createMemoryStorage({ now: () => clock.now() });
  const vault = openTestVault({ root, storage, clock });
  await editHourly(root, {
    count,
    async onEdit(takenAt) {
      clock.advance(takenAt.getTime() - clock.now().getTime());
      await takeSnapshot(vault.deps, { label: null, kind: 'auto' });
    },
  });
  return { vault, storage, clock };
}

/** Bytes of everything a store holds at present. */
export function storeBytes(storage: MemoryStorage): number {
  return storage.keys().reduce((sum, key) => sum + storage.peek(key)!.length, 0);
}
