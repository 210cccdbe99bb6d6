/**
 * Something the settings ask this machine to do outside the vault: run a program, call an address. The settings lie in the
 * vault, which may come from anywhere, so each must be approved on this machine, exactly as it stands, before it is done.
 */
export interface OutsideAction {
  /** The setting that asks for it: "hooks.preSnapshot", "alerts.webhook", "git.autoPush". */
  readonly setting: string;
  /** A program and its arguments, or one address. */
  readonly words: readonly string[];
}
