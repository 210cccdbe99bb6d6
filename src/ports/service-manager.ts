/** A background service that watches one vault. */
export interface ServiceSpec {
  /** Id of the vault: what tells services apart. `[a-z0-9-]`. */
  readonly id: string;
  readonly vaultName: string;
  /** The program and its arguments. */
  readonly words: readonly string[];
  /** Variables that are no secrets. */
  readonly env: Readonly<Record<string, string>>;
}

/** What describes the service to the system. */
export interface ServiceFile {
  readonly path: string;
  readonly text: string;
}

export interface ServiceState {
  readonly isInstalled: boolean;
  readonly isRunning: boolean;
  /** What the system says of it, in its own words; '' when nothing. */
  readonly detail: string;
}

/**
 * The system's own way of keeping a program running for a user: systemd, launchd or the Task Scheduler. Services start at login and
 * again after a failure, later each time where the system can. Nothing here needs administrator's rights.
 */
export interface ServiceManager {
  readonly name: 'systemd' | 'launchd' | 'task-scheduler';
  file(spec: ServiceSpec): ServiceFile;
  /**
   * Writes the file, and (re)starts the service. Doing it again is fine.
   * @throws {HoldfastError} `service_unavailable` when the system cannot be talked to: the file is there, and the hint says what to do
   */
  install(spec: ServiceSpec): Promise<void>;
  /** Stops and removes the service; false when there was none. */
  uninstall(id: string): Promise<boolean>;
  state(id: string): Promise<ServiceState>;
  /** The last lines of what it printed. */
  logs(id: string, lines: number): Promise<string>;
}
