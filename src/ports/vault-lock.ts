/** One writing process per vault on this machine. */
export interface VaultLock {
  /**
   * Takes the lock or fails at once. A holder that died (kill -9, power cut, reused pid) is taken over silently.
   * @throws {HoldfastError} `vault_locked` naming holder, host and age
   */
  acquire(purpose: string): Promise<HeldLock>;
}

declare const held: unique symbol;

/** The right to write the vault's private state; functions that write ask for it. */
export interface HeldLock extends AsyncDisposable {
  readonly [held]: true;
}
