const unitMs = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
} as const;

type Unit = keyof typeof unitMs;

const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/;
const partPattern = /(\d+(?:\.\d+)?)(ms|[smhdw])/g;

/** Reads "90s", "2h", "30d", "1h30m" as milliseconds; null when it is no duration. A bare number is none. */
export function parseDuration(text: string): number | null {
  if (!durationPattern.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(partPattern)) totalMs += Number(amount) * unitMs[unit as Unit];
  return Number.isSafeInteger(Math.round(totalMs)) ? Math.round(totalMs) : null;
}

/** Shows how long something took or will take: "0.4 s", "12 s", "3 min 20 s", "2 h 1 min", "3 d 4 h". */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, durationMs) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return twoUnits([minutes, 'min'], [Math.round(seconds) % 60, 's']);
  const hours = Math.floor(Math.round(seconds / 60) / 60);
  if (hours < 48) return twoUnits([hours, 'h'], [Math.round(seconds / 60) % 60, 'min']);
  return twoUnits([Math.floor(seconds / 86_400), 'd'], [Math.floor((seconds % 86_400) / 3_600), 'h']);
}

/** Shows how long ago something was, in one unit: "just now", "5 min ago", "3 h ago", "2 d ago"; "in the future" for less. */
export function formatAge(ageMs: number): string {
  // Clocks of two machines differ by a few seconds.
  if (ageMs < -60_000) return 'in the future';
  const seconds = ageMs / 1000;
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  if (seconds < 86_400 * 365) return `${Math.floor(seconds / 86_400)} d ago`;
  return `${Math.floor(seconds / (86_400 * 365))} y ago`;
}

function twoUnits([amount, unit]: readonly [number, string], [rest, restUnit]: readonly [number, string]): string {
  return rest === 0 ? `${amount} ${unit}` : `${amount} ${unit} ${rest} ${restUnit}`;
}
