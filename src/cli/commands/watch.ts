import { openWatch, watchRetryMs } from '../../app/open-watch.ts';
import { scheduledJobs } from '../../app/scheduled-jobs.ts';
import { watchExtensions } from '../../app/watch-extensions.ts';
import type { WatchEvent } from '../../engine/watch/watch-event.ts';
import { watchVault } from '../../engine/watch/watch-vault.ts';
import { displayText } from '../../format/display-name.ts';
import { formatDuration, parseDuration } from '../../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../../format/size.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Command, CommandContext } from '../command.ts';
import type { Output } from '../output.ts';
import { pointFields } from '../point-fields.ts';
import { errorFields } from '../render-error.ts';
import { wrapToWidth } from '../../format/text-width.ts';

export const command: Command = {
  name: 'watch',
  summary: 'take a snapshot whenever something changed, until stopped',
  description: [
    'Stays, and takes a snapshot a few seconds after each change: once nothing changed for the quiet period, at the latest after ' +
      'the maximum wait. What changed while nobody watched is captured at the start. Snapshots are labelled auto-<machine>; when ' +
      'nothing changed nothing is stored, and nothing is asked of the store.',
    'While the store cannot be reached, snapshots are kept on this machine and uploaded in order later. At its intervals ' +
      '(settings: schedule) the watcher also verifies the store. It ends on Ctrl-C, SIGTERM and SIGHUP; status tells how it is.',
  ],
  arguments: [],
  options: [
    {
      flags: '--quiet-period <duration>',
      summary: 'snapshot when nothing changed for this long (settings: watch.quiet)',
    },
    { flags: '--max-wait <duration>', summary: 'snapshot a busy vault this often (settings: watch.maxWait)' },
  ],
  examples: [
    { command: 'holdfast watch', means: 'watch the vault in this terminal' },
    { command: 'holdfast watch --quiet-period 1s', means: 'snapshot one second after the last change' },
    { command: 'holdfast watch --json', means: 'one object a line for each thing that happens' },
  ],
  async run(context) {
    const config = await context.config();
    const { watch } = config;
    const quietMs = durationOf(context, 'quiet-period', 100) ?? watch.quiet;
    const maxWaitMs = Math.max(quietMs, durationOf(context, 'max-wait', 1000) ?? watch.maxWait);
    await using session = await context.openSession({ prepareVault: true, retryWindowMs: watchRetryMs });
    // Single steps of a snapshot that takes moments are no news.
    const quietSession = { ...session, events: { emit() {} } };
    return await watchVault(await openWatch(quietSession, config), {
      quietMs,
      maxWaitMs,
      rescanMs: watch.rescan,
      jobs: scheduledJobs(config),
      extensions: watchExtensions(session, config, context.io),
      signal: context.signal,
      onEvent: (event) => show(context, event),
    });
  },
};

function durationOf(context: CommandContext, name: string, minMs: number): number | undefined {
  const text = context.value(name);
  if (text === undefined) return undefined;
  const durationMs = parseDuration(text);
  if (durationMs !== null && durationMs >= minMs) return durationMs;
  throw new HoldfastError('flag_invalid', `--${name} takes a duration such as 5s, not ${JSON.stringify(text)}.`, {
    hint: `At least ${minMs / 1000} s.`,
  });
}

/** Rows of `--json` go out at once; people get a line each. */
function show({ out, io }: CommandContext, event: WatchEvent): void {
  const at = io.now().toISOString();
  out.row('watch', { at, ...fieldsOf(event) });
  const text = textOf(out, event);
  if (text === null) return;
  const time = io.now().toTimeString().slice(0, 8);
  for (const line of wrapToWidth(`${time} ${text}`, out.columns - 2, '  ')) out.print(`  ${line}`);
}

function fieldsOf(event: WatchEvent): Readonly<Record<string, unknown>> {
  switch (event.type) {
    case 'taken':
      return { event: 'taken', ...pointFields(event.outcome), duration_ms: Math.round(event.outcome.durationMs) };
    case 'failed':
      return { event: 'failed', error: errorFields(event.error) };
    case 'job_ended':
      return { event: 'job_ended', job: event.name, error: event.error === null ? null : errorFields(event.error) };
    case 'ready':
    case 'uploaded':
    case 'paused':
    case 'limited':
    case 'rescan': {
      const { type, ...fields } = event;
      return { event: type, ...fields };
    }
  }
}

function textOf(out: Output, event: WatchEvent): string | null {
  switch (event.type) {
    case 'ready': {
      const how = event.sees === 'events' ? 'watching' : 'looking once a minute at';
      return `${out.paint('green', '●')} ${how} ${formatCounted(event.files, 'file')}; stop with Ctrl-C`;
    }
    case 'taken':
      return takenText(out, event.outcome);
    case 'uploaded':
      return 'what had waited is in the store now';
    case 'paused':
      return event.reason === null ? 'going on' : `${out.paint('yellow', 'waiting:')} ${displayText(event.reason)}`;
    case 'failed':
      return `${out.paint('red', 'problem:')} ${displayText(event.error.message)}${hintOf(event.error)}`;
    case 'limited': {
      const remedy = event.remedy === '' ? '' : `; raise the limit with: ${event.remedy}`;
      const what = `the system watches no more folders (${event.code}); ${formatCount(event.unwatched)} are looked at once a minute`;
      return `${out.paint('yellow', 'limited:')} ${what}${remedy}`;
    }
    case 'rescan':
      return event.reason === 'interval' ? null : `looking at everything again: ${displayText(event.reason)}`;
    case 'job_ended':
      return event.error === null ? `${event.name} done` : null;
  }
}

function takenText(
  out: Output,
  { record, where, durationMs }: Extract<WatchEvent, { type: 'taken' }>['outcome'],
): string {
  const { added, changed, removed, storedBytes } = record.counts;
  const mark =
    where === 'local' ? out.paint('yellow', '○') : record.complete ? out.paint('green', '●') : out.paint('yellow', '◐');
  const counts = `+${formatCount(added)} ~${formatCount(changed)} -${formatCount(removed)}`;
  const local = where === 'local' ? ', on this machine only' : '';
  const isBurst = record.label.startsWith('after-burst-');
  const burst = isBurst ? `; ${out.paint('red', 'much changed at once')}: see holdfast status, holdfast rescue` : '';
  return `${mark} ${displayText(record.id)} ${counts}, ${formatSize(storedBytes)} new, ${formatDuration(durationMs)}${local}${burst}`;
}

function hintOf({ hint }: HoldfastError): string {
  return hint === undefined ? '' : ` ${displayText(hint)}`;
}
