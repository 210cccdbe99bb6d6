export type HookName = 'preSnapshot' | 'postSnapshot' | 'onAlert';

export interface HookCall {
  readonly name: HookName;
  /** Become environment variables: `snapshotId` is HOLDFAST_SNAPSHOT_ID. */
  readonly facts: Readonly<Record<string, string>>;
  /** Given on standard input. */
  readonly input?: string | undefined;
  /** True where nobody asked for this very run: hooks with an `every` keep to it. */
  readonly isAutomatic: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A hook that did not end well. */
export interface HookProblem {
  /** The program, without its arguments (they may hold secrets). */
  readonly program: string;
  readonly kind: 'failed' | 'timed_out' | 'not_started' | 'untrusted';
  /** A clause in plain words: "ended with code 3". */
  readonly message: string;
}

/** The commands the settings ask to run around snapshots. A failure is told, never thrown. */
export interface HookRunner {
  /** Runs the commands of one name, one after the other; returns what went wrong. */
  run(call: HookCall): Promise<readonly HookProblem[]>;
}
