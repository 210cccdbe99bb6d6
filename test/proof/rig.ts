/** How the proof is asked for. */
export interface RigOptions {
  /** The large set rather than the one of every push. */
  readonly nightly: boolean;
  /** Every random choice of the run comes from it. */
  readonly seed: number;
  /** Runs only the cases whose name contains this: what a failure says to replay. */
  readonly only: string | null;
  /** An empty folder of the rig's own, removed afterwards. */
  readonly folder: string;
  /** Tells a person who waits; never part of the page. */
  progress(text: string): void;
}

/** One number of the page. */
export interface Figure {
  /** "real-process kills, all recovered and compared" */
  readonly what: string;
  readonly count: number;
  /** Fewer than this is a failure; nothing is asked where it is absent. Not judged in a run with `only`. */
  readonly floor?: number;
}

export interface RigResult {
  /** How many cases ran and were judged; zero is a failure. */
  readonly checks: number;
  /** The seeds that make the run again; empty where nothing was left to chance. */
  readonly seeds: readonly number[];
  /** One line each: the case, what was promised, what was found, and the command that replays it. Empty is green. */
  readonly failures: readonly string[];
  /** What a reader of the page should know: which server was used, what was left out and why. */
  readonly notes: readonly string[];
  readonly figures?: readonly Figure[];
}

/**
 * One machine that tries to break a promise. Runs in a process of its own, beside one other rig at most, and leaves nothing
 * behind. Throws only when it could not run at all (a tool is missing): that is red as well.
 */
export interface Rig {
  /** As in `--rig`. */
  readonly name: string;
  /** The promise, in a few words, for the page. */
  readonly title: string;
  run(options: RigOptions): Promise<RigResult>;
}
