import type { Config } from '../app/config.ts';
import { parseDuration } from '../format/duration.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Retention, RetentionReason, RetentionRules } from '../model/retention.ts';
import type { CommandContext, OptionSpec } from './command.ts';

export const ruleOptions: readonly OptionSpec[] = [
  { flags: '--keep-within <duration>', summary: 'keep everything younger than this, such as 48h' },
  { flags: '--keep-hourly <count>', summary: 'keep the last one of this many hours' },
  { flags: '--keep-daily <count>', summary: 'keep the last one of this many days' },
  { flags: '--keep-weekly <count>', summary: 'keep the last one of this many weeks' },
  { flags: '--keep-monthly <count>', summary: 'keep the last one of this many months' },
  { flags: '--keep-none', summary: 'keep only the newest of each machine, what is labelled and what is pinned' },
];

const none: RetentionRules = { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, labelled: true };

/** The rules of the settings, with what flags say instead. */
export function readRules(context: CommandContext, config: Config): Retention {
  if (context.flag('keep-none')) return none;
  const counts = (['hourly', 'daily', 'weekly', 'monthly'] as const).flatMap((rule) => {
    const count = context.count(`keep-${rule}`, 0);
    return count === undefined ? [] : [[rule, count] as const];
  });
  const within = context.value('keep-within');
  if (counts.length === 0 && within === undefined) return config.retention;
  // What "all" would be with one rule changed, nobody can say: then the flags are all there is.
  const base = config.retention === 'all' ? none : config.retention;
  return { ...base, ...Object.fromEntries(counts), ...(within === undefined ? {} : { within: readWithin(within) }) };
}

function readWithin(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== null) return durationMs;
  throw new HoldfastError('flag_invalid', `--keep-within takes a duration such as 48h, not ${JSON.stringify(text)}.`, {
    hint: 'For example: --keep-within 7d',
  });
}

/** Why a snapshot stays or goes, for people. */
export const reasonWords: Readonly<Record<RetentionReason, string>> = {
  all: 'everything is kept',
  pinned: 'pinned',
  labelled: 'labelled',
  newest: 'newest of its machine',
  newest_complete: 'newest complete of its machine',
  safety: 'undoes a rollback',
  future: 'from the future',
  within: 'recent',
  hourly: 'last of its hour',
  daily: 'last of its day',
  weekly: 'last of its week',
  monthly: 'last of its month',
  partial: 'partial, and no longer recent',
  superseded: 'a later one stands for its time',
};
