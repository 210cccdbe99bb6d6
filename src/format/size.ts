const factors: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tb: 1000 ** 4,
  tib: 1024 ** 4,
};

const sizePattern = /^(\d+(?:\.\d+)?) ?([kmgt]?i?b?)$/i;
const shownUnits = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Reads "8MiB", "1.5 GB", "500k" or "1024" as bytes; null when it is no size. */
export function parseSize(text: string): number | null {
  const match = sizePattern.exec(text);
  const factor = match === null ? undefined : factors[match[2]!.toLowerCase()];
  if (match === null || factor === undefined) return null;
  const sizeBytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(sizeBytes) ? sizeBytes : null;
}

/** Shows a size in three digits at most, decimal units: "0 B", "812 B", "8.1 MB", "412 MB", "1.3 GB". */
export function formatSize(sizeBytes: number): string {
  if (sizeBytes < 1000) return `${sizeBytes} B`;
  let amount = sizeBytes;
  let unit: string = 'B';
  for (const next of shownUnits) {
    // 999.5 kB would round to "1000 kB".
    if (amount < 999.5) break;
    amount /= 1000;
    unit = next;
  }
  return `${amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}

/** Shows a count with thousands separated: "12,408". */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** Shows a count with its noun: "1 file", "12,408 files". */
export function formatCounted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
