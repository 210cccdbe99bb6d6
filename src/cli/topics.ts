import { environmentVariables } from '../app/environment.ts';
import { settingsJsonSchema, settingsKeys } from '../app/settings-json-schema.ts';
import type { Example } from './command.ts';
import { exitCodeMeanings } from './exit-codes.ts';
import { printExamples, printPairs, printProse } from './help-text.ts';
import type { Output } from './output.ts';
import type { TopicName } from './topic-names.ts';

export interface Topic {
  readonly name: TopicName;
  readonly summary: string;
  print(out: Output): void;
  /** What `--json` gives. */
  fields(): Readonly<Record<string, unknown>>;
}

const whenForms: readonly (readonly [string, string])[] = [
  ['latest, latest~2', 'the newest restore point, the second before it'],
  ['2026-11-20T14:03:11Z-before-the-big-rewrite', 'an id, or its beginning'],
  ['"before the big rewrite"', 'a label'],
  ['90s, 5m, 2h, 3d, 1w', 'that long ago; also "2 hours ago"'],
  ['2026-11-20T14:00, "2026-11-20 14:00:30"', 'a local time'],
  ['2026-11-20T14:00:00Z, …+01:00', 'a time in a zone'],
  ['2026-11-20, yesterday', 'the end of that day (with --since its beginning)'],
  ['"yesterday 14:00", "last friday at noon"', 'a local time in words'],
  ['1795183391', 'seconds since 1970'],
];

const restoringSteps: readonly string[] = [
  'git init r && cd r',
  'cp <store>/snapshots/*/pack-* <store>/packs/pack-* .git/objects/pack/',
  "printf '* -text -eol -filter -ident -working-tree-encoding\\n' > .git/info/attributes",
  'git fsck --full',
  'git checkout <commit in snapshots/<id>/snapshot.json> -- .',
];

const scheduleSteps: readonly Example[] = [
  { command: 'holdfast service install', means: 'a snapshot seconds after each change, from login on' },
  { command: 'holdfast watch', means: 'the same in this terminal, until Ctrl-C' },
  {
    command: '*/15 * * * * holdfast snapshot --quiet --vault /home/me/notes',
    means: 'a crontab line; give the full path of holdfast, as cron knows few folders',
  },
  {
    command: '0 9 * * * holdfast status --check --vault /home/me/notes >/tmp/notes.status || cat /tmp/notes.status',
    means: 'cron mails what this prints: nothing while all is green',
  },
  {
    command: 'holdfast init --adopt --yes && holdfast snapshot && holdfast status --check',
    means: 'on a build server, with HOLDFAST_STORE and the AWS_* credentials from its secrets',
  },
];

const encryptionSteps: readonly Example[] = [
  {
    command: 'holdfast init --encrypt --store s3://bucket/notes',
    means: 'makes an encrypted store and shows a recovery key, once: write it down',
  },
  { command: 'holdfast key list', means: 'which keys open it' },
  { command: 'holdfast key add office', means: 'one more, for another computer' },
  { command: 'holdfast key rotate', means: 'another passphrase in the place of the one in use' },
  {
    command: 'holdfast key rotate --master',
    means: 'a key leaked: nothing known before reads what is stored from now on',
  },
  { command: 'node decrypt.mjs <store> <new folder>', means: 'without holdfast; the program lies in the store' },
];

const recoverySteps: readonly Example[] = [
  { command: 'holdfast restore notes/plan.md "2 hours ago"', means: 'one file, beside the live one, with the diff' },
  { command: 'holdfast log notes/plan.md', means: 'every version there is, also of a file that is gone' },
  { command: 'holdfast rescue "1 hour ago"', means: 'exactly what vanished since then' },
  { command: 'holdfast rollback yesterday', means: 'the whole vault: shows the plan, and what to add to do it' },
  {
    command: 'holdfast init --adopt --store URL && holdfast restore --all latest',
    means: 'on a new machine, from an empty folder',
  },
  {
    command: 'holdfast restore --all latest --store file:///media/usb/notes',
    means: 'from a replica, in an empty folder',
  },
  { command: 'holdfast repair --undelete', means: 'the store itself lost something' },
  { command: 'holdfast runbook', means: 'the procedures step by step, with the names of this vault' },
  { command: 'holdfast help restoring-without-holdfast', means: 'with git alone' },
];

/** What `holdfast help <topic>` can explain. */
export const topics: readonly Topic[] = [
  {
    name: 'environment',
    summary: 'every environment variable',
    print(out) {
      printProse(out, 'Flags beat the environment, the environment beats holdfast.json.');
      out.print();
      printPairs(
        out,
        environmentVariables.map(({ name, means }) => [name, means] as const),
      );
    },
    fields: () => ({
      variables: environmentVariables.map(({ name, means, isSecret = false }) => ({ name, means, secret: isSecret })),
    }),
  },
  {
    name: 'exit-codes',
    summary: 'what every exit code means',
    print(out) {
      printProse(out, 'One table for every command; with --json the last line carries it as exit_code.');
      out.print();
      printPairs(
        out,
        exitCodeMeanings.map(({ code, means, state }) => [code, `${means}; ${state}`] as const),
      );
    },
    fields: () => ({ exit_codes: exitCodeMeanings.map(({ code, ...rest }) => ({ code: Number(code), ...rest })) }),
  },
  {
    name: 'settings',
    summary: 'every key of holdfast.json',
    print(out) {
      printProse(
        out,
        'holdfast.json lies in the vault: JSON with comments, every key optional, unknown keys are errors.',
      );
      out.print();
      const pairs = settingsKeys().map(({ name, means, defaultValue }) => {
        const isPlain = defaultValue !== undefined && typeof defaultValue !== 'object';
        return [name, isPlain ? `${means} Default: ${JSON.stringify(defaultValue)}.` : means] as const;
      });
      printPairs(out, pairs);
      out.print();
      printProse(out, 'With --json: the JSON Schema for editors, as settings_schema.');
    },
    fields: () => ({ settings_schema: settingsJsonSchema() }),
  },
  {
    name: 'when',
    summary: 'how to name a restore point or a time',
    print(out) {
      printProse(out, 'A time means the newest restore point taken at or before it; the one chosen is always named.');
      out.print();
      printPairs(out, whenForms);
    },
    fields: () => ({ forms: whenForms.map(([form, means]) => ({ form, means })) }),
  },
  stepsTopic({
    name: 'schedule',
    summary: 'how to take snapshots without thinking of it',
    opening:
      'The watcher is the best way: it sees changes, waits while offline, verifies, prunes and rehearses in time.',
    steps: scheduleSteps,
    closing:
      'A build server must keep state/ and ~/.local/share/holdfast from one run to the next, or each run counts as a ' +
      'new machine. It sees only what was committed.',
  }),
  stepsTopic({
    name: 'encryption',
    summary: 'how to keep a store that only your keys can read',
    opening:
      'AES-256-GCM, on this computer, before anything leaves it. It is chosen when a store is made. The key is a ' +
      'passphrase or 64 hex digits (openssl rand -hex 32), from HOLDFAST_PASSPHRASE, HOLDFAST_KEY, --key-file or ' +
      '--key-command; on a terminal the passphrase is asked for.',
    steps: encryptionSteps,
    closing:
      "Visible in the bucket all the same: the vault's name, when snapshots were taken and how large they are, the names " +
      'of keys, and a short form of each label unless "encryption": { "hideLabels": true }.',
  }),
  stepsTopic({
    name: 'recovery',
    summary: 'how to get back, whatever happened',
    opening: 'Nothing here touches a live file, except rollback once you repeat the label to it.',
    steps: recoverySteps,
    closing: 'Rehearse it: holdfast drill. Print it: holdfast runbook --write.',
  }),
  {
    name: 'restoring-without-holdfast',
    summary: 'how to get everything back with git alone',
    print(out) {
      printProse(
        out,
        'The store holds plain git packs. With a copy of it (any bucket client) and git, this is enough:',
      );
      out.print();
      for (const step of restoringSteps) out.print(`  ${out.paint('cyan', step)}`);
      out.print();
      printProse(
        out,
        'An encrypted store is decrypted first, with Node alone: node <store>/decrypt.mjs <store> <new folder>. ' +
          'RESTORE.md in the store says the same, and how to put back times, modes, empty folders and large files.',
      );
    },
    fields: () => ({ steps: restoringSteps }),
  },
];

interface StepsTopic {
  readonly name: TopicName;
  readonly summary: string;
  readonly opening: string;
  readonly steps: readonly Example[];
  readonly closing: string;
}

function stepsTopic({ name, summary, opening, steps, closing }: StepsTopic): Topic {
  return {
    name,
    summary,
    print(out) {
      printProse(out, opening);
      out.print();
      printExamples(out, steps);
      out.print();
      printProse(out, closing);
    },
    fields: () => ({ steps }),
  };
}
