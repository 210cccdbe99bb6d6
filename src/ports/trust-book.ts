import type { OutsideAction } from '../model/outside.ts';

/**
 * What the person of this machine approved for this vault. Kept in the user's own data folder, never in the vault. Approval is
 * of the exact words and, where a word names a file of the vault, of the bytes that file has now.
 */
export interface TrustBook {
  isTrusted(action: OutsideAction): boolean;
  /** Approves exactly these, besides what was approved before. */
  trust(actions: readonly OutsideAction[]): void;
  /** Withdraws every approval for this vault; returns how many there were. */
  forget(): number;
}
