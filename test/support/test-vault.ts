import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openGitRepository } from '../../src/adapters/git/open-git-repository.ts';
import { openHoldingArea } from '../../src/adapters/holding/open-holding-area.ts';
import { openLiveTree } from '../../src/adapters/live-tree/open-live-tree.ts';
import { openRollbackJournal } from '../../src/adapters/live-tree/open-rollback-journal.ts';
import { openAlertMemory } from '../../src/adapters/notify/open-alert-memory.ts';
import { openObjectAccess } from '../../src/adapters/objects/open-object-access.ts';
import { openProgramRunner } from '../../src/adapters/process/open-program-runner.ts';
import { openRecordCache } from '../../src/adapters/record-cache/open-record-cache.ts';
import { openRehearsal } from '../../src/adapters/rehearsal/open-rehearsal.ts';
import { openSnapshotIndex } from '../../src/adapters/snapshot-index/open-snapshot-index.ts';
import { openSpool } from '../../src/adapters/spool/open-spool.ts';
import { preparePrivateState, spoolOfStore } from '../../src/adapters/system/open-private-state.ts';
import { openWatchState } from '../../src/adapters/system/open-watch-state.ts';
import { openTemporaryFiles } from '../../src/adapters/system/open-temporary-files.ts';
import { openStatCacheFile } from '../../src/adapters/vault/open-stat-cache.ts';
import { openWorkingTree } from '../../src/adapters/vault/open-working-tree.ts';
import { openVaultLock } from '../../src/adapters/vault-lock/open-vault-lock.ts';
import type { Deps } from '../../src/engine/deps.ts';
import type { HoldfastEvent } from '../../src/model/events.ts';
import type { Clock, Random } from '../../src/ports/clock.ts';
import type { ObjectStorage } from '../../src/ports/object-storage.ts';
import type { StoreEncryption } from '../../src/ports/store-encryption.ts';
import type { VaultLock } from '../../src/ports/vault-lock.ts';

/** Of a store without encryption. */
export const plainEncryption: StoreEncryption = {
  isSealed: false,
  isRequired: false,
  unlock: async () => null,
  newestSheet: async () => null,
  refresh: async () => {},
  adopt() {},
  hiddenSlug: () => null,
};

/** A clock that moves only when told. */
export interface MovableClock extends Clock {
  advance(durationMs: number): void;
}

export function movableClock(start = '2026-03-01T09:00:00Z'): MovableClock {
  let nowMs = Date.parse(start);
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    sleep: async (durationMs) => {
      nowMs += durationMs;
    },
    advance: (durationMs) => {
      nowMs += durationMs;
    },
  };
}

export interface TestVaultOptions {
  /** Folder of the vault; created when missing. */
  readonly root: string;
  readonly storage: ObjectStorage;
  /** What lies below `storage`, and its encryption; a plain store without them. */
  readonly rawStorage?: ObjectStorage;
  readonly encryption?: StoreEncryption;
  readonly clock?: MovableClock;
  readonly machine?: string;
  readonly vaultId?: string;
  /** Where packs of a store that is not local are cached; in the private state unless told. */
  readonly cacheDirectory?: string;
  /** The scanner's clock, which judges file times; the real one unless told. */
  readonly scanNow?: () => number;
  /** The lock of the real file system unless told. */
  readonly vaultLock?: VaultLock;
  /** Always the same bytes unless told. */
  readonly random?: Random;
}

export interface TestVault {
  readonly root: string;
  readonly deps: Deps;
  readonly clock: MovableClock;
  readonly events: HoldfastEvent[];
  /** Folder of the private state. */
  readonly privateFolder: string;
  /** The spool of this store. */
  readonly spoolFolder: string;
  write(path: string, content: string | Uint8Array): void;
}

/**
 * A vault with the real adapters around a storage of the test's choosing: what `app/compose.ts` opens, with a clock and a
 * machine that can be told. Opening it again on the same folder is the next command of the same machine.
 */
export function openTestVault(options: TestVaultOptions): TestVault {
  const { root, storage } = options;
  mkdirSync(root, { recursive: true });
  const machine = options.machine ?? 'desk';
  const clock = options.clock ?? movableClock();
  const stateDir = join(root, 'state');
  const state = preparePrivateState(stateDir, root);
  const events: HoldfastEvent[] = [];
  const now = (): Date => clock.now();
  const deps: Deps = {
    identity: {
      vault: { id: options.vaultId ?? 'vault-1', name: 'notes', root },
      machine: { id: machine, name: machine, user: 'ada' },
      writer: 'holdfast test',
    },
    settings: { captureHistory: true, strict: false, logFolder: 'state/log', replicas: [], replicateEveryMs: null },
    clock,
    random: options.random ?? { bytes: (size) => new Uint8Array(size).fill(7) },
    events: { emit: (event) => events.push(event) },
    workingTree: openWorkingTree({
      root,
      holdingDir: '_restore',
      stateDir: 'state',
      gitignore: true,
      allowSecrets: options.encryption?.isSealed === true,
      oneFileSystem: false,
      maxFileSize: null,
      chunkAbove: 8 * 1024 * 1024,
      temporaryFolder: join(state.cache, 'databases'),
      now: options.scanNow ?? (() => Date.now()),
    }),
    statCache: openStatCacheFile(join(state.cache, 'stat.cache'), machine),
    repository: openGitRepository(root, {
      env: { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
      home: null,
    }),
    storage,
    rawStorage: options.rawStorage ?? storage,
    encryption: options.encryption ?? plainEncryption,
    plainViewOf: (replica) => replica,
    objects: openObjectAccess({
      storage,
      cacheDirectory: storage.isLocal ? null : (options.cacheDirectory ?? join(state.cache, 'packs')),
    }),
    spool: openSpool(spoolOfStore(state, storage.url), machine),
    snapshotIndex: openSnapshotIndex({ path: join(stateDir, 'log', 'snapshots.ndjson'), machine, user: 'ada', now }),
    recordCache: openRecordCache(state.cache, storage.url),
    vaultLock: options.vaultLock ?? openVaultLock({ directory: state.run, hostname: 'desk.example', now }),
    holdingArea: openHoldingArea({ vaultRoot: root, holdingDir: '_restore' }),
    temporaryFiles: openTemporaryFiles(join(state.cache, 'passing')),
    rehearsal: openRehearsal({
      holdingDirectory: join(root, '_restore'),
      programs: openProgramRunner({ env: process.env, redact: (text) => text }),
    }),
    liveTree: openLiveTree({ root }),
    rollbackJournal: openRollbackJournal(state.run),
    hooks: { run: async () => [] },
    watchState: openWatchState(state.run),
    notifier: { send: async () => [], beat: async () => null },
    alertMemory: openAlertMemory(join(state.run, 'alerts.json')),
  };
  const write = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  return {
    root,
    deps,
    clock,
    events,
    privateFolder: state.directory,
    spoolFolder: spoolOfStore(state, storage.url),
    write,
  };
}
