import type { VaultLock } from '../../ports/vault-lock.ts';
import type { OpenWatcher } from '../../ports/watcher.ts';
import type { Deps } from '../deps.ts';

export interface Space {
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** What the watcher needs besides what every command does. */
export interface WatchDeps extends Deps {
  readonly openWatcher: OpenWatcher;
  /** Held for as long as the watcher runs: one per vault. */
  readonly watchLock: VaultLock;
  /** Room where captures are kept; null when it cannot be told. */
  freeSpace(): Promise<Space | null>;
  /** Changes when something is mounted or unmounted; '' where that cannot be told. */
  mountMark(): string;
}
