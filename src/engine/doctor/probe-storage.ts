/*
 * The storage is not asked what it can do but made to do it, with throw-away keys that are removed again.
 */
import { sha256Of } from '../../format/digest.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type {
  ObjectStorage,
  StorageBody,
  StorageFacts,
  StorageKey,
  StorageVersion,
} from '../../ports/object-storage.ts';
import type { Deps } from '../deps.ts';
import type { Finding } from './finding.ts';

export interface ProbeOptions {
  /** Also upload 17 MB in parts. */
  readonly large: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Nothing a store holds begins so: what a kill leaves here is foreign, and never read. */
const probesPrefix = 'probe/';
const largeBytes = 17 * 1024 * 1024;
const skewMsMax = 5 * 60_000;
/** Time to notice, and to repair from versions. */
const versionDaysMin = 30;

/** Tries the storage out. A step that the credentials do not allow is a finding, not the end. */
export async function probeStorage(
  deps: Pick<Deps, 'rawStorage' | 'random' | 'clock'>,
  options: ProbeOptions,
): Promise<readonly Finding[]> {
  const probe = new Probe(deps, options);
  try {
    if (!(await probe.canList())) return probe.findings;
    if (!(await probe.canWrite())) return probe.findings;
    await probe.ranges();
    await probe.exclusiveCreate();
    await probe.versions();
    await probe.deletes();
    if (options.large) await probe.largeUpload();
    await probe.particulars();
  } finally {
    await probe.removeAll();
  }
  return probe.findings;
}

class Probe {
  readonly findings: Finding[] = [];
  readonly #storage: ObjectStorage;
  readonly #now: () => number;
  readonly #prefix: string;
  readonly #signal: AbortSignal | undefined;
  #isLeftBehind = false;

  constructor({ rawStorage, random, clock }: Pick<Deps, 'rawStorage' | 'random' | 'clock'>, options: ProbeOptions) {
    this.#storage = rawStorage;
    this.#now = () => clock.now().getTime();
    this.#signal = options.signal;
    this.#prefix = `${probesPrefix}${Buffer.from(random.bytes(8)).toString('hex')}/`;
  }

  async canList(): Promise<boolean> {
    return this.#try('list', 'the store can be listed', async () => {
      for await (const _ of this.#storage.list('', this.#options)) break;
    });
  }

  async canWrite(): Promise<boolean> {
    const key = this.#key('first');
    return this.#try('write', 'objects can be written and read back', async () => {
      await this.#storage.putIfAbsent(key, bodyOf('first'), this.#options);
      const read = await this.#storage.get(key, this.#options);
      if (Buffer.from(read).toString() !== 'first') throw new Error('other bytes came back');
      const found = await this.#storage.head(key, this.#options);
      this.#judgeClock(found?.modifiedAt ?? null);
    });
  }

  async ranges(): Promise<void> {
    await this.#try('ranges', 'parts of objects can be read', async () => {
      const read = await this.#storage.get(this.#key('first'), { range: { start: 1, end: 3 }, ...this.#options });
      if (Buffer.from(read).toString() !== 'ir') throw new Error('a range gave other bytes');
    });
  }

  async exclusiveCreate(): Promise<void> {
    const again = this.#storage.putIfAbsent(this.#key('first'), bodyOf('second'), this.#options);
    const isRefused = await again.then(
      () => false,
      (error: unknown) => isHoldfastError(error, 'storage_conflict'),
    );
    if (!isRefused) this.#add('create', 'problem', 'a key that is taken was written over', 'do not use this storage');
    else if (this.#storage.createIsExclusive) this.#add('create', 'good', 'a key can be created only once');
    else {
      const text = 'the storage does not refuse a second creation itself; ids carry chance instead';
      this.#add('create', 'note', text);
    }
  }

  async versions(): Promise<void> {
    const key = this.#key('versioned');
    const state = await this.#storage.versioning(this.#options);
    if (state !== 'on') {
      const remedy =
        state === 'unsupported' ? 'replicate elsewhere: holdfast replicate configure URL' : 'holdfast init';
      this.#add(
        'versioning',
        'warning',
        `versioning is ${state}: what is overwritten or deleted there is gone`,
        remedy,
      );
      return;
    }
    await this.#try('versioning', 'versioning is on: overwritten bytes can be brought back', async () => {
      await this.#storage.put(key, bodyOf('old'), this.#options);
      await this.#storage.put(key, bodyOf('new'), this.#options);
      const old = (await this.#versionsOf(key)).find(({ isLatest }) => !isLatest);
      if (old === undefined) throw new Error('versioning is on, and no version was kept');
      const { storageVersionId } = old;
      const read = await this.#storage.get(key, { storageVersionId, ...this.#options });
      if (Buffer.from(read).toString() !== 'old') throw new Error('the version has other bytes');
    });
  }

  async deletes(): Promise<void> {
    const key = this.#key('first');
    const isAllowed = await this.#try('delete', 'objects can be deleted (prune needs that)', async () => {
      await this.#storage.delete(key, this.#options);
      if ((await this.#storage.head(key, this.#options)) !== null) throw new Error('a deleted object is still there');
    });
    this.#isLeftBehind = !isAllowed;
  }

  async largeUpload(): Promise<void> {
    await this.#try('large', 'large packs can be uploaded in parts', async () => {
      const bytes = Buffer.alloc(largeBytes, 'holdfast');
      await this.#storage.putIfAbsent(
        this.#key('large'),
        { kind: 'bytes', bytes, sha256: sha256Of(bytes) },
        this.#options,
      );
    });
  }

  async particulars(): Promise<void> {
    if (this.#storage.inspect === undefined) return;
    const facts = await this.#storage.inspect({ probePrefix: this.#prefix, ...this.#options });
    this.findings.push(...judgeFacts(facts));
  }

  /** Versions too, where the key may: a probe must not leave anything that costs. */
  async removeAll(): Promise<void> {
    try {
      const keys: StorageKey[] = [];
      for await (const { key } of this.#storage.list(this.#prefix)) keys.push(key);
      for (const key of keys) await this.#storage.delete(key);
      for await (const { key, storageVersionId } of this.#storage.versions(this.#prefix)) {
        await this.#storage.delete(key, { storageVersionId });
      }
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      this.#isLeftBehind = true;
    }
    if (!this.#isLeftBehind) return;
    const text = `this key may not delete: a few bytes of this probe stay below ${this.#prefix}`;
    this.#add('leftovers', 'note', text);
  }

  get #options(): { readonly signal?: AbortSignal | undefined } {
    return { signal: this.#signal };
  }

  #key(name: string): StorageKey {
    return this.#prefix + name;
  }

  async #versionsOf(key: StorageKey): Promise<StorageVersion[]> {
    const found: StorageVersion[] = [];
    for await (const version of this.#storage.versions(key, this.#options)) found.push(version);
    return found;
  }

  #judgeClock(modifiedAt: Date | null): void {
    if (modifiedAt === null) return;
    const skewMs = modifiedAt.getTime() - this.#now();
    if (Math.abs(skewMs) <= skewMsMax) this.#add('clock', 'good', "this machine's clock agrees with the storage's");
    else {
      const seconds = Math.round(skewMs / 1000);
      this.#add(
        'clock',
        'problem',
        `this machine's clock is ${-seconds} s off the storage's`,
        'set the clock; prune waits until then',
      );
    }
  }

  /** Runs a step; a failure is a finding with its own words. */
  async #try(id: string, text: string, step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      this.#add(id, 'good', text);
      return true;
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!(error instanceof Error)) throw error;
      const level = id === 'delete' && isHoldfastError(error, 'access_denied') ? 'note' : 'problem';
      this.#add(id, level, `${id}: ${error.message}`, isHoldfastError(error) ? (error.hint ?? '') : '');
      return false;
    }
  }

  #add(id: string, level: Finding['level'], text: string, remedy = ''): void {
    this.findings.push({ id: `store_${id}`, level, text, remedy });
  }
}

function bodyOf(text: string): StorageBody {
  const bytes = Buffer.from(text);
  return { kind: 'bytes', bytes, sha256: sha256Of(bytes) };
}

/** What an S3 bucket said of itself. */
export function judgeFacts(facts: StorageFacts): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (id: string, level: Finding['level'], text: string, remedy = ''): void => {
    findings.push({ id: `store_${id}`, level, text, remedy });
  };
  const { conditionalCreate, conditionalCreateQuoted, takesChecksums, expiringRules, objectLock } = facts;
  add(
    'condition',
    conditionalCreate === 'heeded' ? 'good' : 'note',
    `If-None-Match: * is ${conditionalCreate}, in quotes ${conditionalCreateQuoted}`,
  );
  if (takesChecksums) add('checksum', 'good', 'uploads are checked by the storage with SHA-256');
  else add('checksum', 'note', 'the storage takes no SHA-256: every upload is read back instead');
  if (expiringRules === null) add('lifecycle', 'note', 'this key may not read the lifecycle rules');
  else if (expiringRules.length === 0) add('lifecycle', 'good', 'no lifecycle rule deletes what is stored');
  else {
    const rules = expiringRules.map((rule) => JSON.stringify(rule)).join(', ');
    add(
      'lifecycle',
      'problem',
      `lifecycle rules delete or archive what is stored: ${rules}`,
      'remove them, or limit them to other prefixes',
    );
  }
  if (facts.keepsVersionsDays !== null) {
    const level = facts.keepsVersionsDays < versionDaysMin ? 'warning' : 'good';
    const text = `overwritten and deleted bytes stay for ${facts.keepsVersionsDays} days`;
    add(
      'version_days',
      level,
      text,
      level === 'good' ? '' : `keep them ${versionDaysMin} days: change the rule of the bucket`,
    );
  }
  if (objectLock.state === 'on') {
    const period = objectLock.defaultDays === null ? '' : ` for ${objectLock.defaultDays} days`;
    add('lock', 'good', `object lock is on${period}: nobody can delete before; prune waits as long`);
  } else if (objectLock.state === 'off') add('lock', 'note', 'object lock is off: whoever has the key can delete');
  return findings;
}
