/** Keeps the journal of the one rollback that may be under way in a vault, in its private state. */
export interface RollbackJournalFile {
  /** The bytes last saved; null when no rollback is pending. */
  load(): Promise<Uint8Array | null>;
  /** Replaces it; durable, whole or not at all, when the promise resolves. */
  save(bytes: Uint8Array): Promise<void>;
  /** Closes it, durably. */
  remove(): Promise<void>;
}
