/** A snapshot somebody wants kept whatever the retention rules say. */
export interface Pin {
  /** When it was pinned, by that machine's clock; null when the mark itself cannot be read: its name alone counts then. */
  readonly at: string | null;
  /** Name of the machine it was pinned from, and the account. */
  readonly machine: string | null;
  readonly user: string | null;
  /** What the person gave as the reason, or null. */
  readonly reason: string | null;
}

/** Longest reason of a pin, in characters. */
export const pinReasonCharsMax = 500;
