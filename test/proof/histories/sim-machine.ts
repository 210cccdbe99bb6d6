import { HoldfastError } from '../../../src/model/errors.ts';
import type { Random } from '../../../src/ports/clock.ts';
import type { ObjectStorage } from '../../../src/ports/object-storage.ts';
import type { HeldLock, VaultLock } from '../../../src/ports/vault-lock.ts';
import { withRetry } from '../../../src/adapters/storage/with-retry.ts';
import { createRetrier } from '../../../src/adapters/storage/retry.ts';
import type { MemoryStorage } from '../../support/memory-storage.ts';
import { seededRandom } from '../../support/random.ts';
import { movableClock, type MovableClock, openTestVault, type TestVault } from '../../support/test-vault.ts';
import { manifestOf, type Manifest } from './manifest.ts';
import type { MemoryDisk } from './memory-disk.ts';
import * as fs from './memory-fs.ts';
import { openSimStore, type SimStore } from './sim-store.ts';
import type { Trouble } from './steps.ts';

/** A command that waits in the middle of a call of the store. */
export interface Paused {
  readonly release: () => void;
  readonly done: Promise<void>;
}

/** One machine of the simulation: a disk, a clock, a way to the store, and the real engine opened on them. */
export class SimMachine {
  readonly name: string;
  readonly disk: MemoryDisk;
  readonly clock: MovableClock;
  readonly store: SimStore;
  readonly vaultPath: string;
  vault: TestVault;
  /** What the person's files are; nothing but their own edits may change it. */
  live: Manifest;
  /** The snapshot index as of the last look: only ever longer. */
  index = '';
  paused: Paused | null = null;
  readonly #storage: ObjectStorage;
  readonly #random: Random;
  #lockHolder: string | null = null;

  constructor(name: string, inner: MemoryStorage) {
    this.name = name;
    this.vaultPath = `/${name}/v`;
    this.clock = movableClock();
    this.disk = fs.createDisk(name, () => this.clock.now().getTime());
    this.store = openSimStore(inner, this.disk);
    this.#random = seededRandom(name.charCodeAt(1));
    const random = this.#random;
    this.#storage = withRetry(this.store.storage, createRetrier({ clock: this.clock, random }));
    fs.mkdirSync(this.vaultPath);
    this.disk.settle(this.vaultPath);
    this.disk.touched.clear();
    this.vault = this.open();
    this.live = this.look();
  }

  look(): Manifest {
    return manifestOf(this.disk, this.vaultPath);
  }

  /** The next process of this machine. */
  open(): TestVault {
    this.vault = openTestVault({
      root: this.vaultPath,
      storage: this.#storage,
      clock: this.clock,
      machine: this.name,
      scanNow: () => this.clock.now().getTime(),
      vaultLock: this.#lock(),
      random: this.#random,
    });
    return this.vault;
  }

  /** Arms what is to go wrong during the next command. Returns a promise that resolves when it pauses. */
  arm(trouble: Trouble | null): Promise<'paused'> | null {
    this.disk.changes = 0;
    this.disk.fault = null;
    this.store.calls = 0;
    this.store.event = null;
    if (trouble === null) return null;
    const { at } = trouble;
    switch (trouble.kind) {
      case 'store':
        this.store.event = { kind: 'fault', at, fault: trouble.fault, isForEver: trouble.isForEver };
        return null;
      case 'disk':
        this.disk.fault = { call: at, what: trouble.code, isForEver: trouble.isForEver };
        return null;
      case 'kill':
        if (trouble.on === 'store') this.store.event = { kind: 'kill', at, isAfter: trouble.isAfter };
        else this.disk.fault = { call: at, what: 'kill', isAfter: trouble.isAfter };
        return null;
      case 'pause': {
        const { promise: released, resolve: release } = Promise.withResolvers<void>();
        const { promise, resolve } = Promise.withResolvers<'paused'>();
        this.release = release;
        this.store.event = { kind: 'pause', at, released, reached: () => resolve('paused') };
        return promise;
      }
    }
  }

  /** Lets the paused command go on. */
  release: () => void = () => undefined;

  disarm(): void {
    this.disk.fault = null;
    this.store.event = null;
  }

  /** The process is gone, with everything it had in memory. */
  reboot(options: { powerCut: boolean }): void {
    if (options.powerCut) this.disk.cutPower();
    this.disk.restart();
    this.#lockHolder = null;
    this.open();
  }

  /** Like the kernel's: gone with the process. */
  #lock(): VaultLock {
    return {
      acquire: async (purpose) => {
        this.disk.assertAlive();
        if (this.#lockHolder !== null) {
          throw new HoldfastError('vault_locked', `Another holdfast (${this.#lockHolder}) is working on this vault.`);
        }
        this.#lockHolder = purpose;
        const release = async (): Promise<void> => {
          if (!this.disk.isDead) this.#lockHolder = null;
        };
        return { [Symbol.asyncDispose]: release } as unknown as HeldLock;
      },
    };
  }
}
