import { cancel, confirm, isCancel, select, text } from '@clack/prompts';
import type { Config } from '../app/config.ts';
import { formatStoreUrl, parseStoreUrl } from '../format/store-url.ts';
import { HoldfastError, isHoldfastError } from '../model/errors.ts';
import type { Io } from './io.ts';

/** How often a scheduler should take a snapshot; 'hand': never. */
export type Rhythm = 'hand' | '15 minutes' | 'hour' | 'day';

export interface InitAnswers {
  /** Null: the default store. */
  readonly store: string | null;
  /** A new store is encrypted. */
  readonly encrypt: boolean;
  readonly keepAll: boolean;
  readonly rhythm: Rhythm;
}

/** Asks what `init` needs to know: where, encrypted or not, how long, and automatic or by hand. */
export async function askInit(io: Io, config: Config): Promise<InitAnswers> {
  const store = await askStore(io, config);
  const encrypt = await answer(
    io,
    select({
      message: 'Should everything be encrypted before it leaves this computer?',
      options: [
        { value: false, label: 'no', hint: 'git alone can restore; files like .env are left out' },
        { value: true, label: 'yes, with a passphrase', hint: 'lost passphrase and recovery key: lost snapshots' },
      ],
      ...streams(io),
    }),
  );
  const keepAll = await answer(
    io,
    select({
      message: 'How long should snapshots be kept? (For now all are: this version removes none.)',
      options: [
        { value: false, label: 'all for 48 hours, then daily for a month, weekly for a quarter, monthly for a year' },
        { value: true, label: 'for ever', hint: 'unchanged files are stored once either way' },
      ],
      ...streams(io),
    }),
  );
  const rhythm = await answer(
    io,
    select<Rhythm>({
      message: 'Who takes the snapshots?',
      options: [
        { value: 'hand', label: 'I do, by hand' },
        { value: '15 minutes', label: 'a scheduler, every 15 minutes' },
        { value: 'hour', label: 'a scheduler, every hour' },
        { value: 'day', label: 'a scheduler, every day' },
      ],
      ...streams(io),
    }),
  );
  return { store, encrypt, keepAll, rhythm };
}

/** Asks whether to go on. */
export async function askYes(io: Io, message: string): Promise<boolean> {
  return answer(io, confirm({ message, ...streams(io) }));
}

async function askStore(io: Io, config: Config): Promise<string | null> {
  const current = formatStoreUrl(config.store);
  const kind = await answer(
    io,
    select<'current' | 's3' | 'folder'>({
      message: 'Where should snapshots go?',
      options: [
        {
          value: 'current',
          label: config.storeFrom === 'default' ? 'a folder on this computer' : current,
          hint: current,
        },
        { value: 's3', label: 'a bucket', hint: 'S3, R2, B2, Spaces, MinIO, Wasabi, Ceph …' },
        { value: 'folder', label: 'another folder', hint: 'another disk, a mounted share' },
      ],
      ...streams(io),
    }),
  );
  if (kind === 'current') return config.storeFrom === 'default' ? null : current;
  const url = await answer(
    io,
    text({
      message: kind === 's3' ? 'The URL of the bucket' : 'The full path of the folder',
      placeholder: kind === 's3' ? 's3://bucket/prefix?endpoint=https://…&region=…' : '/mnt/backups/notes',
      validate: (value) => storeProblem(value ?? '', config),
      ...streams(io),
    }),
  );
  return formatStoreUrl(parseStoreUrl(url, { insecure: config.insecure }));
}

function storeProblem(url: string, config: Config): string | undefined {
  try {
    parseStoreUrl(url, { insecure: config.insecure });
    return undefined;
  } catch (error) {
    if (isHoldfastError(error)) return `${error.message} ${error.hint ?? ''}`;
    throw error;
  }
}

function streams(io: Io) {
  // Questions are no result: stdout stays free for it.
  return { input: io.stdin, output: io.stderr };
}

async function answer<Value>(io: Io, asked: Promise<Value>): Promise<Exclude<Value, symbol>> {
  const value = await asked;
  if (!isCancel(value)) return value as Exclude<Value, symbol>;
  cancel('Nothing was changed.', { output: io.stderr });
  throw new HoldfastError('canceled', 'Stopped by Ctrl-C.', {
    data: { signal: 'SIGINT' },
    hint: 'Nothing was written; run holdfast init again when you like.',
  });
}
