/** The colour of a vault's health: PRODUCT.md "The vocabulary of health". */
export type HealthColour = 'green' | 'yellow' | 'red';

/** Why the colour is what it is, and the command that mends it ('' when nothing is to be mended). */
export interface HealthReason {
  readonly colour: HealthColour;
  readonly text: string;
  readonly remedy: string;
}

export const snapshotAgeYellowMs = 24 * 3_600_000;
export const snapshotAgeRedMs = 48 * 3_600_000;

/** Green until a reason says otherwise; the worst reason decides. */
export function worstColour(reasons: readonly HealthReason[]): HealthColour {
  if (reasons.some((reason) => reason.colour === 'red')) return 'red';
  return reasons.some((reason) => reason.colour === 'yellow') ? 'yellow' : 'green';
}
