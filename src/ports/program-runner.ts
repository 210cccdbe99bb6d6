/** A program to run apart from the terminal; never a shell line. */
export interface ProgramRequest {
  /** The program and its arguments. */
  readonly words: readonly string[];
  readonly cwd: string;
  /** On top of this process's environment, from which keys of the store's encryption are taken out. */
  readonly env?: Readonly<Record<string, string>>;
  /** Given on standard input; nothing when undefined. */
  readonly input?: string | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended. */
export interface ProgramEnd {
  /** 'done' is exit code 0; 'stopped' by our own signal. */
  readonly kind: 'done' | 'failed' | 'timed_out' | 'not_started' | 'stopped';
  readonly exitCode: number | null;
  /** The system's code when it could not be started, the signal when one ended it. */
  readonly reason: string | null;
  /** The last part of what it printed on both outputs, secrets taken out. */
  readonly output: string;
  readonly durationMs: number;
}

/**
 * Runs programs with a time limit. What runs past it is stopped together with everything it started, politely first. Never
 * throws: how it ended is the answer.
 */
export interface ProgramRunner {
  run(request: ProgramRequest): Promise<ProgramEnd>;
}
