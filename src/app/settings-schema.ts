import * as v from 'valibot';
import { parseDuration } from '../format/duration.ts';
import { parseSize } from '../format/size.ts';

/** Version of the settings format this holdfast reads; files of a newer one are refused, never guessed at. */
export const settingsFormat = 1;

/** A duration in the file ("90s"), milliseconds in the program. */
function duration(minMs = 0) {
  return v.pipe(
    v.string('must be a duration such as "90s", "2h" or "30d"'),
    v.check((text) => parseDuration(text) !== null, 'must be a duration such as "90s", "2h" or "30d"'),
    v.transform((text) => parseDuration(text)!),
    v.minValue(minMs, `must be at least ${minMs / 1000} s`),
  );
}

/** A size in the file ("8MiB"), bytes in the program. */
function size(minBytes: number) {
  return v.pipe(
    v.string('must be a size such as "8MiB" or "500 MB"'),
    v.check((text) => parseSize(text) !== null, 'must be a size such as "8MiB" or "500 MB"'),
    v.transform((text) => parseSize(text)!),
    v.minValue(minBytes, `must be at least ${minBytes} bytes`),
  );
}

function count(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

function text(charsMax = 1024) {
  return v.pipe(
    v.string('must be text'),
    v.minLength(1, 'must not be empty'),
    v.maxLength(charsMax, `must be at most ${charsMax} characters`),
    v.check((value) => !/\p{Cc}/u.test(value), 'must not hold control characters'),
  );
}

const flag = () => v.boolean('must be true or false');

function webUrl() {
  const message = 'must be an http(s) URL without a user name or password';
  return v.pipe(
    v.string(message),
    v.check((value) => {
      const url = URL.parse(value);
      return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
    }, message),
  );
}

/** A program and its arguments; never a shell line, so that nothing in a name can become a command. */
const commandLine = () =>
  v.pipe(v.array(text(), 'must be a list: the program, then its arguments'), v.minLength(1, 'must name a program'));

const interval = () =>
  v.union(
    [v.picklist(['off', 'hourly', 'daily', 'weekly', 'monthly']), duration(60_000)],
    'must be "off", "hourly", "daily", "weekly", "monthly" or a duration of at least 60 s',
  );

const described = <Schema extends v.GenericSchema>(schema: Schema, means: string) =>
  v.pipe(schema, v.description(means));

const group = <Entries extends v.ObjectEntries>(entries: Entries) => v.object(entries, 'must be a group in braces');

/** A list of commands that run around something; only after the person approved exactly these (`holdfast hooks trust`). */
const hookList = () =>
  v.optional(
    v.array(
      group({
        run: described(commandLine(), 'The program and its arguments.'),
        timeout: described(v.optional(duration(1000), '60s'), 'It is stopped after this long.'),
        every: described(v.optional(duration(), '10m'), 'Around automatic snapshots it runs no more often than this.'),
      }),
      'must be a list of commands',
    ),
    [],
  );

const retention = group({
  within: described(v.optional(duration(), '48h'), 'Everything younger than this is kept.'),
  hourly: described(v.optional(count(0, 100_000), 0), 'How many hourly snapshots are kept.'),
  daily: described(v.optional(count(0, 100_000), 30), 'How many daily snapshots are kept.'),
  weekly: described(v.optional(count(0, 100_000), 13), 'How many weekly snapshots are kept.'),
  monthly: described(v.optional(count(0, 100_000), 12), 'How many monthly snapshots are kept.'),
  labelled: described(v.optional(flag(), true), 'Labelled snapshots are kept for ever.'),
});

/** Every key of `holdfast.json`. Its types, checks, defaults, `help settings` and the JSON Schema all come from here. */
export const settingsSchema = group({
  $schema: described(v.optional(v.string('must be text')), 'For editors: where the JSON Schema of this file is.'),
  format: described(v.optional(count(1, 1_000_000), settingsFormat), 'Version of the settings format.'),
  store: described(v.optional(text()), 'Where snapshots go: s3://bucket/prefix?endpoint=…&region=… or file:///folder.'),
  replicas: described(v.optional(v.array(text(), 'must be a list of store URLs'), []), 'Second stores, as URLs.'),
  vaultName: described(v.optional(text(100)), "The vault's name (default: its folder's)."),
  machineName: described(v.optional(text(100)), "This machine's name (default: its host name)."),
  stateDir: described(v.optional(text(), 'state'), 'Folder in the vault for the snapshot index and private state.'),
  holdingDir: described(v.optional(text(), '_restore'), 'Folder in the vault that restores go to.'),
  capture: v.optional(
    group({
      gitignore: described(v.optional(flag(), true), 'What git ignores is left out.'),
      history: described(v.optional(flag(), true), "The repository's own history is captured too."),
      maxFileSize: described(v.optional(size(1)), 'Larger files are left out and named (default: no limit).'),
      chunkAbove: described(v.optional(size(65_536), '8MiB'), 'Larger files are stored in pieces that are shared.'),
      allowSecrets: described(v.optional(flag(), false), 'Files named like secrets go to a store without encryption.'),
      oneFileSystem: described(v.optional(flag(), false), 'Other file systems mounted in the vault are left out.'),
    }),
    {},
  ),
  watch: v.optional(
    group({
      quiet: described(v.optional(duration(100), '5s'), 'A snapshot follows when nothing changed for this long.'),
      maxWait: described(v.optional(duration(1000), '60s'), 'A busy vault is snapshotted at least this often.'),
      rescan: described(v.optional(duration(1000), '10m'), 'Everything is looked at again at least this often.'),
    }),
    {},
  ),
  guard: v.optional(
    group({
      percent: described(v.optional(count(1, 100), 20), 'Losing this share of the files at once raises an alert.'),
      deletions: described(v.optional(count(1, 100_000_000), 50), 'Losing this many files at once raises an alert.'),
      window: described(v.optional(duration(1000), '60s'), 'What counts as "at once".'),
    }),
    {},
  ),
  retention: described(
    v.optional(v.union([v.literal('all'), retention], 'must be "all" or a group such as {"daily": 30}'), {}),
    'What prune keeps; "all" keeps every snapshot.',
  ),
  schedule: v.optional(
    group({
      verify: described(v.optional(interval(), 'weekly'), 'How often the watcher verifies the store.'),
      prune: described(v.optional(interval(), 'weekly'), 'How often the watcher prunes.'),
      drill: described(v.optional(interval(), 'monthly'), 'How often the watcher rehearses a restore.'),
      replicate: described(
        v.optional(
          v.union(
            [v.literal('continuous'), interval()],
            'must be "continuous", "off", "hourly", "daily", "weekly", "monthly" or a duration of at least 60 s',
          ),
          'weekly',
        ),
        'How often the watcher brings replicas level; "continuous" is after each snapshot.',
      ),
    }),
    {},
  ),
  targets: v.optional(
    group({
      rto: described(v.optional(duration(1000), '1h'), 'A full restore should take no longer than this.'),
      rpo: described(v.optional(duration(1000), '24h'), 'No more than this much work should ever be lost.'),
    }),
    {},
  ),
  encryption: v.optional(
    group({
      required: described(v.optional(flag(), false), 'A store without encryption is refused; init --encrypt sets it.'),
      hideLabels: described(v.optional(flag(), false), 'Labels are kept out of the names in an encrypted store.'),
    }),
    {},
  ),
  git: v.optional(
    group({
      autoPush: described(v.optional(flag(), false), 'The watcher pushes commits to their remotes.'),
      warnUnpushed: described(v.optional(flag(), true), 'status says when commits are on no remote.'),
    }),
    {},
  ),
  hooks: v.optional(
    group({
      preSnapshot: described(
        hookList(),
        'Commands that run before each snapshot, for instance to dump a database into the vault.',
      ),
      postSnapshot: described(hookList(), 'Commands that run after each snapshot that stored something.'),
      onAlert: described(hookList(), 'Commands that run with each alert as JSON on their standard input.'),
    }),
    {},
  ),
  alerts: v.optional(
    group({
      desktop: described(v.optional(flag(), true), 'Notifications on the desktop.'),
      webhook: described(v.optional(webUrl()), 'Receives alerts as JSON.'),
      heartbeat: described(
        v.optional(webUrl()),
        'Is called after each good snapshot, so that silence raises an alarm.',
      ),
      command: described(v.optional(commandLine()), 'Is run with the alert as JSON on its standard input.'),
    }),
    {},
  ),
  live: described(v.optional(flag(), false), 'The store also keeps a plain-file mirror of the vault below live/.'),
});

/** Settings as the program uses them: defaults filled in, durations in milliseconds, sizes in bytes. */
export type Settings = v.InferOutput<typeof settingsSchema>;
