import { HoldfastError } from '../../../src/model/errors.ts';
import type { ObjectStorage, StorageKey } from '../../../src/ports/object-storage.ts';

/** What goes wrong with a call of the storage port, and how a command that met it may end beside well. */
export interface PortFault {
  readonly name: string;
  /** Exit codes of RELIABILITY section 0 that tell the truth about it. */
  readonly codes: readonly number[];
  /** Beside them, on a machine that never saw the store: it cannot know that a listing leaves something out. */
  readonly codesOfStranger?: readonly number[];
  /** So like another that only the nightly set plays it. */
  readonly isRare?: boolean;
  /** Calls it changes nothing for are left out. */
  readonly hits: (call: PortCall) => boolean;
  /** What becomes of the call; `proceed` carries it out. */
  readonly call: (call: PortCall, proceed: () => Promise<unknown>) => Promise<unknown>;
  /** What becomes of a listing; as `call` unless told. */
  readonly items?: (items: readonly unknown[]) => readonly unknown[];
}

export interface PortCall {
  readonly operation: string;
  readonly key: StorageKey;
}

const fails = (error: () => HoldfastError) => async (): Promise<unknown> => {
  throw error();
};
const isAny = (): boolean => true;
const isListing = ({ operation }: PortCall): boolean => operation === 'list' || operation === 'versions';
const isRead = ({ operation }: PortCall): boolean => operation === 'get' || operation === 'head';
const isWrite = ({ operation }: PortCall): boolean => /^put|^delete|^enable|^abort/.test(operation);
const gone = (key: StorageKey) => new HoldfastError('object_missing', `The store has no ${key}.`, { data: { key } });
const away = () =>
  new HoldfastError('storage_unavailable', 'The storage does not answer.', { data: { reached: true } });

/** The failures the port's contract allows an adapter to answer with; those that break it are played on the wire. */
export const portFaults: readonly PortFault[] = [
  { name: 'drop-before', codes: [5], hits: isAny, call: fails(away) },
  {
    name: 'drop-after',
    codes: [5],
    hits: isAny,
    async call(_call, proceed) {
      await proceed();
      throw away();
    },
  },
  {
    name: 'timeout',
    isRare: true,
    codes: [5],
    hits: isAny,
    call: fails(() => new HoldfastError('storage_timeout', 'The storage fell silent.')),
  },
  {
    name: 'denied',
    codes: [6],
    hits: isAny,
    call: fails(() => new HoldfastError('access_denied', 'The storage refuses these credentials.')),
  },
  {
    name: 'full',
    codes: [9],
    hits: isWrite,
    call: async (call, proceed) => {
      if (isWrite(call)) throw new HoldfastError('disk_full', "The store's disk is full.");
      return proceed();
    },
  },
  {
    name: 'not-there',
    // A store that has nothing, or no record a command asked for by name, is a plain "not found".
    codes: [3, 4, 5, 7],
    hits: (call) => isRead(call) || isListing(call),
    call: async (call, proceed) => {
      if (!isRead(call)) return proceed();
      if (call.operation === 'head') return null;
      throw gone(call.key);
    },
    items: () => [],
  },
  {
    name: 'stale-list',
    codes: [3, 5, 7],
    codesOfStranger: [4],
    hits: isListing,
    call: async (_call, proceed) => proceed(),
    items: (items) => items.slice(0, -2),
  },
  {
    name: 'missing-entry',
    codes: [3, 5, 7],
    codesOfStranger: [4],
    hits: isListing,
    call: async (_call, proceed) => proceed(),
    items: (items) => items.filter((_item, at) => at % 2 === 1),
  },
  {
    name: 'flip',
    codes: [3, 5, 7],
    hits: ({ operation }) => operation === 'get',
    call: async (_call, proceed) => {
      const result = await proceed();
      if (!(result instanceof Uint8Array) || result.length === 0) return result;
      const bytes = new Uint8Array(result);
      bytes[bytes.length >> 1]! ^= 0x10;
      return bytes;
    },
  },
];

/** Which calls go wrong: the `from`-th, counted from 1, and `times` in a row; a second one for compound faults. */
export interface PortPlan {
  readonly fault: PortFault;
  readonly from: number;
  readonly times: number;
}

export interface FaultyStorage {
  readonly storage: ObjectStorage;
  /** Calls made since the last `arm`, as "operation key". */
  readonly calls: readonly string[];
  /** Starts counting anew; null is an honest storage. */
  arm(plan: PortPlan | null): void;
}

/** Stands before a storage and lets planned calls go wrong. */
export function faultyStorage(inner: ObjectStorage): FaultyStorage {
  const calls: string[] = [];
  let plan: PortPlan | null = null;
  const faultOf = (call: PortCall): PortFault | null => {
    calls.push(`${call.operation} ${call.key}`);
    if (plan === null || calls.length < plan.from || calls.length >= plan.from + plan.times) return null;
    return plan.fault;
  };
  const through = async <Result>(call: PortCall, work: () => Promise<Result>): Promise<Result> => {
    const fault = faultOf(call);
    return fault === null ? work() : (fault.call(call, work) as Promise<Result>);
  };
  async function* listed<Item>(call: PortCall, open: () => AsyncIterable<Item>): AsyncGenerator<Item> {
    const fault = faultOf(call);
    if (fault === null) {
      yield* open();
      return;
    }
    const items: Item[] = [];
    for await (const item of open()) items.push(item);
    if (fault.items !== undefined) {
      yield* fault.items(items) as readonly Item[];
      return;
    }
    // Half of the listing comes, and then it breaks off.
    if (fault.name !== 'drop-before') yield* items.slice(0, items.length >> 1);
    await fault.call(call, async () => null);
    yield* items.slice(fault.name === 'drop-before' ? 0 : items.length >> 1);
  }
  const storage: ObjectStorage = {
    url: inner.url,
    isLocal: inner.isLocal,
    requests: inner.requests,
    get createIsExclusive() {
      return inner.createIsExclusive;
    },
    putIfAbsent: (key, ...rest) => through({ operation: 'putIfAbsent', key }, () => inner.putIfAbsent(key, ...rest)),
    put: (key, ...rest) => through({ operation: 'put', key }, () => inner.put(key, ...rest)),
    get: (key, ...rest) => through({ operation: 'get', key }, () => inner.get(key, ...rest)),
    head: (key, ...rest) => through({ operation: 'head', key }, () => inner.head(key, ...rest)),
    list: (prefix, ...rest) => listed({ operation: 'list', key: prefix }, () => inner.list(prefix, ...rest)),
    versions: (prefix, ...rest) =>
      listed({ operation: 'versions', key: prefix }, () => inner.versions(prefix, ...rest)),
    delete: (key, ...rest) => through({ operation: 'delete', key }, () => inner.delete(key, ...rest)),
    versioning: (...rest) => through({ operation: 'versioning', key: '' }, () => inner.versioning(...rest)),
    enableVersioning: (...rest) =>
      through({ operation: 'enableVersioning', key: '' }, () => inner.enableVersioning(...rest)),
    abortStaleUploads: (...rest) =>
      through({ operation: 'abortStaleUploads', key: '' }, () => inner.abortStaleUploads(...rest)),
    [Symbol.asyncDispose]: async () => {},
  };
  return {
    storage,
    calls,
    arm(next) {
      plan = next;
      calls.length = 0;
    },
  };
}
