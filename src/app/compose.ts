import { hash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { openGitRepository } from '../adapters/git/open-git-repository.ts';
import { openHoldingArea } from '../adapters/holding/open-holding-area.ts';
import { openHookRunner } from '../adapters/hooks/open-hook-runner.ts';
import { openLiveTree } from '../adapters/live-tree/open-live-tree.ts';
import { openRollbackJournal } from '../adapters/live-tree/open-rollback-journal.ts';
import { openAlertMemory } from '../adapters/notify/open-alert-memory.ts';
import { openNotifier } from '../adapters/notify/open-notifier.ts';
import { openObjectAccess } from '../adapters/objects/open-object-access.ts';
import { openProgramRunner } from '../adapters/process/open-program-runner.ts';
import { openRecordCache } from '../adapters/record-cache/open-record-cache.ts';
import { openRehearsal } from '../adapters/rehearsal/open-rehearsal.ts';
import { openSnapshotIndex } from '../adapters/snapshot-index/open-snapshot-index.ts';
import { openSpool } from '../adapters/spool/open-spool.ts';
import { openSealedStorage } from '../adapters/storage/open-sealed-storage.ts';
import { openStorage } from '../adapters/storage/open-storage.ts';
import { type Machine, loadMachine } from '../adapters/system/open-machine.ts';
import { type PrivateState, preparePrivateState, spoolOfStore } from '../adapters/system/open-private-state.ts';
import { openTemporaryFiles } from '../adapters/system/open-temporary-files.ts';
import { openVaultIdentity } from '../adapters/system/open-vault-identity.ts';
import { openWatchState } from '../adapters/system/open-watch-state.ts';
import { systemClock, systemRandom } from '../adapters/system/system-clock.ts';
import { openStatCacheFile } from '../adapters/vault/open-stat-cache.ts';
import { openWorkingTree } from '../adapters/vault/open-working-tree.ts';
import { openVaultLock } from '../adapters/vault-lock/open-vault-lock.ts';
import type { Deps } from '../engine/deps.ts';
import { assertMayBePlain, readStoreHeader } from '../engine/ensure-store.ts';
import { createRedactor } from '../format/redact.ts';
import { formatStoreUrl } from '../format/store-url.ts';
import { byteStringOfText } from '../lib/bytes.ts';
import { isHoldfastError } from '../model/errors.ts';
import type { KeySecret } from '../model/store-keys.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { ObjectStorage } from '../ports/object-storage.ts';
import type { Config } from './config.ts';
import type { Host } from './host.ts';
import { openTrust } from './outside-actions.ts';
import { replicaPlace } from './open-replica.ts';
import { intervalMs } from './intervals.ts';
import { readVersion } from './version.ts';

export interface SessionOptions {
  /**
   * The command makes this folder a vault (its private state and index are created inside it). Without it, a folder
   * that is no vault yet is left as it is: what must be kept goes to the user's own data folder.
   */
  readonly prepareVault: boolean;
  /** A directory store that is not there yet is made: `init` looks at a store before the folder is a vault. */
  readonly createStore?: boolean;
  /** Special files make a snapshot partial. */
  readonly strict?: boolean;
  /** False for a command that shows what needs no key, or brings its own: an encrypted store is not opened beforehand. */
  readonly needsKey?: boolean;
  /** How long one call to the store may go on trying; 15 minutes when absent. */
  readonly retryWindowMs?: number;
  /** Ends the waiting for a store that does not answer. */
  readonly signal?: AbortSignal;
  /** Asks the person for the store's passphrase; null where there is nobody to ask. */
  readonly askPassphrase?: () => Promise<KeySecret | null>;
}

/** Everything a command works with; leaving the scope closes it. */
export type Session = Deps & AsyncDisposable;

/** Opens the vault and its store as the settings say. Makes no request; the S3 client is loaded for S3 stores only. */
export async function openSession(
  config: Config,
  host: Host,
  options: SessionOptions & { events: EventSink },
): Promise<Session> {
  const machine = machineOf(config, host);
  const places = placesOf(config, options);
  const rawStorage = await openStorage(formatStoreUrl(config.store), {
    clock: systemClock,
    random: systemRandom,
    // The default store is nobody's disk to mount: where it is missing there is no snapshot yet, or (K18) they are gone.
    create: options.prepareVault || options.createStore === true || config.storeFrom === 'default',
    insecure: config.insecure,
    capabilitiesFile: join(places.state.cache, 'storage-capabilities.json'),
    onRetry: (retry) => options.events.emit({ type: 'request_retried', ...retry }),
    ...(options.retryWindowMs === undefined ? {} : { retryWindowMs: options.retryWindowMs }),
  });
  const { storage, encryption, plainViewOf } = openSealedStorage(rawStorage, {
    knownFile: join(places.state.directory, 'stores', `${hash('sha256', rawStorage.url).slice(0, 16)}.json`),
    readSecret: () => readSecret(config, host, options),
    isRequired: config.encryption.required,
    hideLabels: config.encryption.hideLabels,
    temporaryDirectory: join(places.state.cache, 'sealed'),
  });
  try {
    await settleEncryption({ storage, encryption }, options);
  } catch (error) {
    await rawStorage[Symbol.asyncDispose]();
    throw error;
  }
  const deps: Deps = {
    identity: {
      vault: {
        id: await vaultIdOf(config, { places, storage, options }),
        name: config.vaultName,
        root: config.vaultRoot,
      },
      machine,
      writer: `holdfast ${readVersion()}`,
    },
    settings: {
      captureHistory: config.capture.history,
      strict: options.strict ?? false,
      logFolder: byteStringOfText(`${config.stateDir}/log`),
      replicas: replicasOf(config),
      replicateEveryMs: intervalMs(config.schedule.replicate),
    },
    clock: systemClock,
    random: systemRandom,
    events: options.events,
    workingTree: openWorkingTree({
      root: config.vaultRoot,
      holdingDir: config.holdingDir,
      stateDir: config.stateDir,
      gitignore: config.capture.gitignore,
      // What leaves this machine encrypted may hold secrets.
      allowSecrets: config.capture.allowSecrets || encryption.isSealed === true,
      oneFileSystem: config.capture.oneFileSystem,
      maxFileSize: config.capture.maxFileSize ?? null,
      chunkAbove: config.capture.chunkAbove,
      temporaryFolder: join(places.state.cache, 'databases'),
      now: () => systemClock.now().getTime(),
    }),
    statCache: openStatCacheFile(join(places.state.cache, 'stat.cache'), machine.id),
    repository: openGitRepository(config.vaultRoot, { env: host.env, home: host.home === '' ? null : host.home }),
    storage,
    rawStorage,
    encryption,
    plainViewOf,
    objects: openObjectAccess({ storage, cacheDirectory: storage.isLocal ? null : join(places.state.cache, 'packs') }),
    spool: openSpool(spoolOfStore(places.state, storage.url), machine.id),
    snapshotIndex: openSnapshotIndex({
      path: places.indexPath,
      machine: machine.id,
      user: machine.user,
      now: () => systemClock.now(),
    }),
    recordCache: openRecordCache(places.state.cache, storage.url),
    vaultLock: openVaultLock({ directory: places.state.run, hostname: hostname(), now: () => systemClock.now() }),
    holdingArea: openHoldingArea({ vaultRoot: config.vaultRoot, holdingDir: config.holdingDir }),
    temporaryFiles: openTemporaryFiles(join(places.state.cache, 'passing')),
    rehearsal: openRehearsal({
      holdingDirectory: join(config.vaultRoot, config.holdingDir),
      programs: openProgramRunner({ env: host.env, redact: createRedactor(host.env) }),
    }),
    liveTree: openLiveTree({ root: config.vaultRoot }),
    rollbackJournal: openRollbackJournal(places.state.run),
    watchState: openWatchState(places.state.run),
    ...outsideOf(config, host, places),
  };
  return {
    ...deps,
    [Symbol.asyncDispose]: async () => {
      await storage[Symbol.asyncDispose]();
      await rawStorage[Symbol.asyncDispose]();
    },
  };
}

/** A replica that this command was told to work on (`--store`) is no replica now; in the settings it would be a mistake. */
function replicasOf(config: Config): readonly string[] {
  const isTold = config.storeFrom === 'flag' || config.storeFrom === 'environment';
  return config.replicas.flatMap((url) => {
    try {
      return [replicaPlace(config, url)];
    } catch (error) {
      if (isTold && isHoldfastError(error, 'replica_is_store')) return [];
      throw error;
    }
  });
}

/** The key is needed before anything is captured or written, so that a wrong one leaves no trace (K09). */
async function settleEncryption(deps: Pick<Deps, 'encryption' | 'storage'>, options: SessionOptions): Promise<void> {
  if (options.needsKey === false) return;
  try {
    await deps.encryption.unlock({ signal: options.signal });
  } catch (error) {
    // A store never seen before that cannot be reached: a snapshot waits in the spool, anything else fails by itself.
    if (!isHoldfastError(error) || (error.kind !== 'storage' && error.kind !== 'access')) throw error;
    return;
  }
  if (options.prepareVault && deps.encryption.isSealed !== true) assertMayBePlain(deps);
}

async function readSecret(
  config: Config,
  host: Host,
  { events, askPassphrase }: SessionOptions & { events: EventSink },
): Promise<KeySecret | null> {
  const { keyPlacesOf, readSecretFrom } = await import('./key-places.ts');
  const given = await readSecretFrom(keyPlacesOf(config, host), events);
  return given ?? (await askPassphrase?.()) ?? null;
}

interface Places {
  readonly state: PrivateState;
  readonly indexPath: string;
}

/** Private state and index of a vault; of a folder that is none, in the user's data folder. */
function placesOf(config: Config, options: SessionOptions): Places {
  const inVault = join(config.vaultRoot, config.stateDir);
  const isVault = options.prepareVault || existsSync(join(inVault, '.holdfast'));
  const stateDir = isVault ? inVault : join(config.dataRoot, 'visits', hash('sha256', config.vaultRoot).slice(0, 16));
  return {
    state: preparePrivateState(stateDir, config.vaultRoot),
    indexPath: join(stateDir, 'log', 'snapshots.ndjson'),
  };
}

/** What runs and calls things outside the vault, each only when it was approved on this machine. */
function outsideOf(config: Config, host: Host, { state }: Places): Pick<Deps, 'hooks' | 'notifier' | 'alertMemory'> {
  const trust = openTrust(config, () => systemClock.now());
  const redact = createRedactor(host.env);
  const programs = openProgramRunner({ env: host.env, redact });
  const isTrusted = (setting: string, words: readonly string[]) => trust.isTrusted({ setting, words });
  const hooks = openHookRunner({
    hooks: config.hooks,
    vaultRoot: config.vaultRoot,
    logFile: join(state.run, 'hooks.log'),
    programs,
    isTrusted: (words, name) => isTrusted(`hooks.${name}`, words),
    now: () => systemClock.now(),
    monotonicMs: () => systemClock.monotonicMs(),
    isInsideHook: (host.env['HOLDFAST_HOOK'] ?? '') !== '',
  });
  const { env, platform } = host;
  const home = host.home === '' ? config.dataRoot : host.home;
  const notifier = openNotifier({ settings: config.alerts, programs, hooks, isTrusted, redact, platform, env, home });
  return { hooks, notifier, alertMemory: openAlertMemory(join(state.run, 'alerts.json')) };
}

function machineOf(config: Config, host: Host): Machine {
  const machine = loadMachine({
    dataDir: config.dataRoot,
    env: config.machineName === null ? host.env : { ...host.env, HOLDFAST_MACHINE: config.machineName },
    hostname: hostname(),
    username: userName(),
  });
  return machine;
}

/** Some users have no entry in the system's user table (containers). */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

/**
 * The vault's id: kept in its private state; for the embedded store, whose folder belongs to this vault alone, the
 * store's own when that was lost; otherwise a new one, which a store of another vault will not accept.
 */
async function vaultIdOf(
  config: Config,
  sources: { places: Places; storage: ObjectStorage; options: SessionOptions },
): Promise<string> {
  const file = openVaultIdentity(sources.places.state.directory);
  const known = file.load();
  if (known !== null) return known;
  const header = config.storeFrom === 'default' ? await readStoreHeader(sources) : null;
  const id = header?.vaultId ?? randomBytes(8).toString('hex');
  if (sources.options.prepareVault) file.save(id);
  return id;
}
