/** What an alert is about; each is held back for a while after it was sent (`alertPauseMs`). */
export const alertKinds = ['failure', 'stale', 'burst', 'unpushed', 'unprotected', 'slow', 'test'] as const;
export type AlertKind = (typeof alertKinds)[number];

/** Something the person must hear of while not looking. Plain sentences: no file names, no secrets, no control characters. */
export interface Alert {
  readonly kind: AlertKind;
  readonly severity: 'warning' | 'critical';
  readonly title: string;
  readonly text: string;
  /** The command that helps; '' when there is none. */
  readonly remedy: string;
}

const hourMs = 3_600_000;

/** How long one kind stays quiet after it was sent. */
export const alertPauseMs: Readonly<Record<AlertKind, number>> = {
  failure: hourMs,
  stale: 6 * hourMs,
  burst: 5 * 60_000,
  unpushed: 24 * hourMs,
  unprotected: 24 * hourMs,
  slow: 24 * hourMs,
  test: 0,
};
