/** The machine as a command sees it: the only way settings and the environment come in. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path. */
  readonly cwd: string;
  /** The user's home folder, or '' when there is none. */
  readonly home: string;
  readonly platform: NodeJS.Platform;
  now(): Date;
}
