/** A process, told apart from later ones that get its pid. */
export interface ProcessMark {
  readonly pid: number;
  /** When the system started it, in the system's own words; '' where the system does not say. */
  readonly start: string;
}

/** What the watcher of a vault leaves for other processes to see. */
export interface WatchState {
  /** The bytes of the heartbeat, or null when there is none. */
  load(): Promise<Uint8Array | null>;
  /** Replaces the heartbeat: whoever reads sees the old one or the new one. Not synced to the disk. */
  save(bytes: Uint8Array): Promise<void>;
  /** This process. */
  self(): ProcessMark;
  /** True when that very process still runs on this machine. */
  isRunning(process: ProcessMark): boolean;
}
