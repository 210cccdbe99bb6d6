import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ObjectWriter } from '../../src/ports/object-writer.ts';
import { HistoryStore } from '../adapters/git/history-store.ts';
import { TemporaryRepositories } from '../adapters/git/temporary-repository.ts';

let temporary: TemporaryRepositories;
let store: HistoryStore;
beforeEach(() => {
  temporary = new TemporaryRepositories();
  store = new HistoryStore(temporary);
});
afterEach(() => temporary[Symbol.dispose]());

function repositoryOfTwoPacks(): string {
  const folder = temporary.create('vault');
  temporary.git(folder, ['repack', '-q', '-d']);
  for (let i = 0; i < 10; i++) temporary.commit(folder, { [`${i}.md`]: `text ${i}` });
  temporary.git(folder, ['repack', '-q', '-d']);
  temporary.commit(folder, { loose: 'x' });
  return folder;
}

/** Does something to the repository the first time the writer is asked to do a thing. */
function onFirst(action: 'has' | 'copyPack' | 'add', does: () => void): (writer: ObjectWriter) => ObjectWriter {
  let isDone = false;
  return (writer) =>
    new Proxy(writer, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          if (name === action && !isDone) {
            isDone = true;
            does();
          }
          return Reflect.apply(value, target, given) as unknown;
        };
      },
    });
}

test.each(['has', 'copyPack', 'add'] as const)(
  'a git gc while objects are captured (at the first %s) loses nothing',
  async (moment) => {
    const folder = repositoryOfTwoPacks();
    const gc = (): void => void temporary.git(folder, ['gc', '-q', '--prune=now']);
    const { problems, state } = await store.capture(temporary.open(folder), { wrap: onFirst(moment, gc) });
    expect(problems).toEqual([]);
    expect(state.historyComplete).toBe(true);
    expect(store.restore('restored', state).fsck).toBe('');
  },
);

test.each(['has', 'copyPack', 'add'] as const)(
  'a commit made meanwhile (at the first %s) leaves the refs whole',
  async (moment) => {
    const folder = repositoryOfTwoPacks();
    const before = temporary.head(folder);
    const commit = (): void => void temporary.commit(folder, { during: 'x' });
    const { problems, state } = await store.capture(temporary.open(folder), { wrap: onFirst(moment, commit) });
    expect(problems).toEqual([]);
    expect(state.head).toBe(before);
    expect(store.restore('restored', state).fsck).toBe('');
    const next = await store.capture(temporary.open(folder));
    expect(next.state.head).toBe(temporary.head(folder));
    expect(store.restore('restored-next', next.state).fsck).toBe('');
  },
);

test('a capture called off stops, and says so', async () => {
  const folder = repositoryOfTwoPacks();
  const controller = new AbortController();
  const repository = temporary.open(folder);
  const stop = onFirst('has', () => controller.abort());
  await expect(
    store.capture(
      {
        ...repository,
        captureHistory: (options) => repository.captureHistory({ ...options, signal: controller.signal }),
      },
      { wrap: stop },
    ),
  ).rejects.toThrow('abort');
});
