import { HoldfastError } from '../../../src/model/errors.ts';
import type { ObjectStorage, RequestCounts, StorageKey, StoredObject } from '../../../src/ports/object-storage.ts';
import type { MemoryStorage } from '../../support/memory-storage.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { MachineDied } from './memory-disk.ts';
import type { StoreFaultKind } from './steps.ts';

/** What happens at one call of the store, counted from 1 for each command. */
export type StoreEvent =
  | { readonly at: number; readonly kind: 'fault'; readonly fault: StoreFaultKind; readonly isForEver: boolean }
  | { readonly at: number; readonly kind: 'kill'; readonly isAfter: boolean }
  | { readonly at: number; readonly kind: 'pause'; readonly reached: () => void; readonly released: Promise<void> };

/** One machine's way to the store all machines share. */
export interface SimStore {
  readonly storage: ObjectStorage;
  event: StoreEvent | null;
  calls: number;
  /** Faults that really struck. */
  struck: number;
}

/** More calls than this for one command means that it would never end. */
const callsMax = 3000;

export function openSimStore(inner: MemoryStorage, disk: MemoryDisk): SimStore {
  const requests: RequestCounts = { put: 0, get: 0, head: 0, list: 0, delete: 0 };
  const sim: SimStore = { storage: null as never, event: null, calls: 0, struck: 0 };

  async function call<T>(kind: keyof RequestCounts, key: StorageKey, work: () => Promise<T>): Promise<T> {
    disk.assertAlive();
    requests[kind]++;
    const number = ++sim.calls;
    if (number > callsMax) throw new Error(`the command made more than ${callsMax} calls: it does not end`);
    const { event } = sim;
    const isHit =
      event !== null && (event.kind === 'fault' && event.isForEver ? number >= event.at : number === event.at);
    if (!isHit) return finished(await work());
    sim.struck++;
    switch (event.kind) {
      case 'pause':
        event.reached();
        await event.released;
        disk.assertAlive();
        return finished(await work());
      case 'kill':
        if (event.isAfter) await work();
        disk.isDead = true;
        throw new MachineDied(`killed at store call ${number}`);
      case 'fault':
        return faulty(event.fault, { kind, key, work });
    }
  }

  /** The machine may have been killed while the answer was on its way. */
  function finished<T>(result: T): T {
    disk.assertAlive();
    return result;
  }

  async function* list<Item extends StoredObject>(
    prefix: string,
    open: () => AsyncIterable<Item>,
  ): AsyncGenerator<Item> {
    const items = await call('list', prefix, async () => {
      const all: Item[] = [];
      for await (const item of open()) all.push(item);
      return all;
    });
    if (!Array.isArray(items)) throw unavailable('an answer that makes no sense');
    let given = 0;
    const { event } = sim;
    const breaks = event?.kind === 'fault' && event.fault === 'broken-listing' && sim.calls === event.at;
    for (const item of items) {
      if (breaks && ++given > items.length / 2) {
        sim.struck++;
        throw unavailable('the next page failed');
      }
      yield item;
    }
  }

  (sim as { storage: ObjectStorage }).storage = {
    url: 'memory:',
    isLocal: inner.isLocal,
    requests,
    createIsExclusive: inner.createIsExclusive,
    putIfAbsent: (key, body, options) => call('put', key, () => inner.putIfAbsent(key, body, options)),
    put: (key, body, options) => call('put', key, () => inner.put(key, body, options)),
    get: (key, options) => call('get', key, () => inner.get(key, options)),
    head: (key, options) => call('head', key, () => inner.head(key, options)),
    delete: (key, options) => call('delete', key, () => inner.delete(key, options)),
    list: (prefix, options) => list(prefix, () => inner.list(prefix, options)),
    versions: (prefix, options) => list(prefix, () => inner.versions(prefix, options)),
    versioning: (options) => call('get', '', () => inner.versioning(options)),
    enableVersioning: (options) => call('put', '', () => inner.enableVersioning(options)),
    abortStaleUploads: (options) => call('list', '', () => inner.abortStaleUploads(options)),
    [Symbol.asyncDispose]: async () => undefined,
  };
  return sim;
}

async function faulty<T>(
  fault: StoreFaultKind,
  call: { kind: keyof RequestCounts; key: StorageKey; work: () => Promise<T> },
): Promise<T> {
  const { kind, key, work } = call;
  switch (fault) {
    case 'lost-request':
      throw unavailable('the connection was reset');
    case 'lost-reply':
      await work();
      throw unavailable('the reply was lost');
    case 'busy':
      throw new HoldfastError('storage_throttled', 'The store is busy.', { data: { retryAfterMs: 1000 } });
    case 'denied':
      throw new HoldfastError('access_denied', 'The store refused the request.');
    case 'flipped': {
      const result = await work();
      if (!(result instanceof Uint8Array) || result.length === 0) return result;
      const bytes = new Uint8Array(result);
      bytes[Math.floor(bytes.length / 2)]! ^= 0x10;
      return bytes as T;
    }
    case 'cut':
      if (kind !== 'get') return work();
      throw new HoldfastError('object_corrupt', `The store gave fewer bytes of ${key} than asked for.`);
    case 'stale-listing': {
      const result = await work();
      return Array.isArray(result) && kind === 'list' ? (result.slice(0, -1) as T) : result;
    }
    case 'broken-listing':
      return work();
  }
}

function unavailable(reason: string): HoldfastError {
  return new HoldfastError('storage_unavailable', `The store cannot be reached: ${reason}.`);
}
