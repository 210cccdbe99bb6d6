import { describe, expect, it } from 'vitest';
import { createRetrier } from '../../../src/adapters/storage/retry.ts';
import type { RetryOptions } from '../../../src/adapters/storage/retry.ts';
import { withRetry } from '../../../src/adapters/storage/with-retry.ts';
import { HoldfastError } from '../../../src/model/errors.ts';
import type { ErrorCode } from '../../../src/model/errors.ts';
import { bytesBody, describeObjectStorage } from '../../contracts/object-storage.contract.ts';
import { createMemoryStorage } from '../../support/memory-storage.ts';
import { testClock, testRandom } from '../../support/test-clock.ts';

const small = Buffer.from('small');

describeObjectStorage('memory behind withRetry', {
  open: async () => withRetry(createMemoryStorage(), createRetrier({ clock: testClock(), random: testRandom })),
});

/** A memory storage that fails `times` times in the way given, then works. */
function failing(
  code: ErrorCode,
  options: Partial<RetryOptions> & { times?: number; data?: Record<string, unknown> } = {},
) {
  const clock = testClock();
  const memory = createMemoryStorage();
  const reasons: string[] = [];
  const storage = withRetry(
    memory,
    createRetrier({ clock, random: testRandom, onRetry: ({ reason }) => reasons.push(reason), ...options }),
  );
  let left = options.times ?? 1;
  const fail = (): void => {
    if (left-- > 0) throw new HoldfastError(code, `It failed with ${code}.`, { data: options.data ?? {} });
  };
  return { clock, memory, storage, reasons, fail };
}

describe('withRetry', () => {
  it.each(['storage_unavailable', 'storage_throttled', 'storage_timeout'] as const)(
    'tries again after %s',
    async (code) => {
      const { storage, memory, clock, reasons, fail } = failing(code, { times: 3 });
      memory.hooks = { beforeCall: fail };
      expect(await storage.putIfAbsent('packs/x', bytesBody(small))).toBe('created');
      expect(clock.slept).toHaveLength(3);
      expect(reasons).toEqual(Array(3).fill(`It failed with ${code}.`));
    },
  );

  it.each([
    'access_denied',
    'credentials_missing',
    'storage_conflict',
    'object_missing',
    'storage_archived',
    'store_missing',
    'disk_full',
    'local_io',
    'redirect_refused',
    'clock_rejected',
  ] as const)('does not try again after %s', async (code) => {
    const { storage, memory, clock, fail } = failing(code, { times: 3 });
    memory.hooks = { beforeCall: fail };
    await expect(storage.get('packs/x')).rejects.toMatchObject({ code });
    expect(memory.calls).toHaveLength(1);
    expect(clock.slept).toEqual([]);
  });

  it('does not try again what is marked as lasting', async () => {
    const { storage, memory, fail } = failing('storage_unavailable', { data: { transient: false } });
    memory.hooks = { beforeCall: fail };
    await expect(storage.head('packs/x')).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(memory.calls).toHaveLength(1);
  });

  it('finds its own bytes when a reply was lost', async () => {
    const { storage, memory, fail } = failing('storage_unavailable');
    memory.hooks = { afterCall: fail };
    expect(await storage.putIfAbsent('packs/x', bytesBody(small))).toBe('exists');
    expect(memory.keys()).toEqual(['packs/x']);
  });

  it.each(['storage_answer_invalid', 'object_corrupt'] as const)('reads once more, at once, after %s', async (code) => {
    const { storage, memory, clock, fail } = failing(code);
    memory.poke('packs/x', small);
    memory.hooks = { beforeCall: fail };
    expect(Buffer.from(await storage.get('packs/x'))).toEqual(small);
    expect(clock.slept).toEqual([]);
  });

  it('reads only once more', async () => {
    const { storage, memory, fail } = failing('object_corrupt', { times: 2 });
    memory.poke('packs/x', small);
    memory.hooks = { beforeCall: fail };
    await expect(storage.get('packs/x')).rejects.toMatchObject({ code: 'object_corrupt' });
    expect(memory.calls).toHaveLength(2);
  });

  it('tries once with a window of 0', async () => {
    const { storage, memory, fail } = failing('storage_unavailable', { windowMs: 0 });
    memory.hooks = { beforeCall: fail };
    await expect(storage.head('packs/x')).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(memory.calls).toHaveLength(1);
  });

  it('spreads its tries: half to all of each delay, by chance', async () => {
    const delays: number[] = [];
    for (const byte of [0, 255]) {
      const random = { bytes: (size: number) => new Uint8Array(size).fill(byte) };
      const { storage, memory, clock, fail } = failing('storage_throttled', { random });
      memory.hooks = { beforeCall: fail };
      await storage.head('packs/x');
      delays.push(...clock.slept);
    }
    expect(delays).toEqual([125, 250]);
  });

  it('goes on with a listing after the last key it gave', async () => {
    const { storage, memory, fail } = failing('storage_unavailable', { times: 2 });
    for (const key of ['a', 'b', 'c']) memory.poke(key, small);
    memory.hooks = { beforeCall: fail };
    const keys: string[] = [];
    for await (const object of storage.list('')) keys.push(object.key);
    expect(keys).toEqual(['a', 'b', 'c']);
  });

  // Q05
  it('lowers its own concurrency when descriptors run out', async () => {
    let running = 0;
    let most = 0;
    const clock = testClock();
    const memory = createMemoryStorage({
      async beforeCall() {
        running++;
        most = Math.max(most, running);
        await Promise.resolve();
        if (running > 3) {
          running--;
          throw new HoldfastError('descriptors_exhausted', 'Too many open files.');
        }
      },
      async afterCall() {
        await Promise.resolve();
        running--;
      },
    });
    const storage = withRetry(memory, createRetrier({ clock, random: testRandom }));
    await Promise.all(Array.from({ length: 24 }, (_, i) => storage.putIfAbsent(`packs/${i}`, bytesBody(small))));
    expect(memory.keys()).toHaveLength(24);
    most = 0;
    clock.slept.length = 0;
    await Promise.all(Array.from({ length: 24 }, (_, i) => storage.get(`packs/${i}`)));
    expect(most).toBeLessThanOrEqual(3);
    expect(clock.slept).toEqual([]);
  });

  it('says so when one at a time is still too many', async () => {
    const { storage, memory, fail } = failing('descriptors_exhausted', { times: Infinity, data: { reached: false } });
    memory.hooks = { beforeCall: fail };
    await expect(storage.head('packs/x')).rejects.toMatchObject({ code: 'descriptors_exhausted', kind: 'local' });
  });
});

describe('createRetrier', () => {
  it('does not try again what a retrier inside has given up on', async () => {
    const retry = createRetrier({ clock: testClock(), random: testRandom, windowMs: 10_000 });
    let tries = 0;
    const work = (): Promise<never> => {
      tries++;
      throw new HoldfastError('storage_unavailable', 'Down.');
    };
    await expect(retry(work)).rejects.toThrow('Down');
    const alone = tries;
    tries = 0;
    await expect(retry(() => retry(work))).rejects.toThrow('Down');
    expect(tries).toBe(alone);
  });
});

it('gives up on a listing of versions that breaks off at the same place every time (P12)', async () => {
  const memory = createMemoryStorage();
  for (const name of ['a', 'b']) await memory.put(name, bytesBody(small));
  async function* breaking(...args: Parameters<typeof memory.versions>) {
    for await (const version of memory.versions(...args)) {
      yield version;
      throw new HoldfastError('storage_unavailable', 'The connection was cut.', { data: { reached: true } });
    }
  }
  const retry = createRetrier({ clock: testClock(), random: testRandom, windowMs: 60_000 });
  const given: string[] = [];
  const listing = async (): Promise<void> => {
    for await (const { key } of withRetry({ ...memory, versions: breaking }, retry).versions('')) given.push(key);
  };
  await expect(listing()).rejects.toMatchObject({ code: 'storage_unavailable' });
  expect(given).toEqual(['a']);
});
