import { environmentVariables } from '../app/environment.ts';
import { settingsJsonSchema, settingsKeys } from '../app/settings-json-schema.ts';
import { exitCodeMeanings } from './exit-codes.ts';
import { printPairs, printProse } from './help-text.ts';
import type { Output } from './output.ts';

export interface Topic {
  readonly name: string;
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
