import type { Config } from './config.ts';

const hourMs = 3_600_000;
const words = {
  off: null,
  continuous: 0,
  hourly: hourMs,
  daily: 24 * hourMs,
  weekly: 7 * 24 * hourMs,
  monthly: 30 * 24 * hourMs,
};

/** An interval of the settings in milliseconds: 0 for at once, null for never. */
export function intervalMs(interval: Config['schedule']['replicate']): number | null {
  return typeof interval === 'number' ? interval : words[interval];
}

/** The first moment of the month after a time, UTC: when what is to happen monthly is due. */
export function firstOfNextMonth(timeMs: number): number {
  const time = new Date(timeMs);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 1);
}
