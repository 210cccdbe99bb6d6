/** One thing the doctor looked at. */
export interface Finding {
  /** Stable, for scripts. */
  readonly id: string;
  readonly level: 'good' | 'note' | 'warning' | 'problem';
  readonly text: string;
  /** What to do; '' when nothing is to be done. */
  readonly remedy: string;
}
