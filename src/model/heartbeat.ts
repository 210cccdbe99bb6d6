/** What a watcher says of itself, for whoever asks without being it. Times are ISO, by this machine's clock. */
export interface Heartbeat {
  readonly pid: number;
  /** When the system started the process, in the system's own words: another process that got its pid has another. */
  readonly processStart: string;
  readonly startedAt: string;
  readonly writtenAt: string;
  /** When it ended in order; null while it runs, or when it was killed. */
  readonly stoppedAt: string | null;
  /** Polling: the system watches some folders no more, so that changes there are seen by the rescans only. */
  readonly sees: 'events' | 'polling';
  readonly watchedFolders: number;
  readonly limit: { readonly code: string; readonly unwatched: number; readonly remedy: string } | null;
  /** Since when something changed that is in no snapshot yet; null when nothing is known to have. */
  readonly changesSince: string | null;
  /** Why nothing is captured at the moment, as a sentence; null when nothing is in the way. */
  readonly pause: string | null;
  /** Snapshots captured and not in the store yet. */
  readonly waiting: number;
  /** When the vault was last looked at with success. */
  readonly lastLookAt: string | null;
  readonly lastSnapshot: { readonly id: string; readonly at: string; readonly where: 'store' | 'local' } | null;
  /** Cleared by the next success of the same kind. */
  readonly lastError: { readonly at: string; readonly code: string; readonly message: string } | null;
  readonly nextJob: { readonly name: string; readonly dueAt: string } | null;
  readonly nextRescanAt: string | null;
}
