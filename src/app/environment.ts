export interface EnvironmentVariable {
  readonly name: string;
  readonly means: string;
  /** Its value is never printed. */
  readonly isSecret?: boolean;
}

/** Every environment variable that has a say; an empty one counts as not set. */
export const environmentVariables: readonly EnvironmentVariable[] = [
  { name: 'HOLDFAST_VAULT', means: 'the vault to work on, like --vault' },
  { name: 'HOLDFAST_STORE', means: 'the store to use, like --store' },
  { name: 'HOLDFAST_MACHINE', means: "this machine's name in records and labels (default: the host name)" },
  { name: 'HOLDFAST_KEY', means: 'the key of an encrypted store, 64 hex digits', isSecret: true },
  { name: 'BACKUP_ENCRYPTION_KEY', means: 'the same', isSecret: true },
  { name: 'HOLDFAST_PASSPHRASE', means: 'the passphrase of an encrypted store', isSecret: true },
  { name: 'HOLDFAST_KEY_FILE', means: 'a file with the passphrase or key, like --key-file' },
  { name: 'HOLDFAST_KEY_COMMAND', means: 'a program that prints the passphrase or key, like --key-command' },
  { name: 'HOLDFAST_NEW_KEY', means: 'the key that key add and key rotate are to add, 64 hex digits', isSecret: true },
  { name: 'HOLDFAST_NEW_PASSPHRASE', means: 'the passphrase that key add and key rotate are to add', isSecret: true },
  { name: 'HOLDFAST_HOOK', means: 'set for the programs that hooks run: a holdfast started by them runs no hooks' },
  { name: 'HOLDFAST_NODE', means: 'the Node.js to run on, when the one found is too old' },
  { name: 'AWS_ACCESS_KEY_ID', means: 'credentials of an S3 store', isSecret: true },
  { name: 'AWS_SECRET_ACCESS_KEY', means: 'credentials of an S3 store', isSecret: true },
  { name: 'AWS_SESSION_TOKEN', means: 'credentials of an S3 store, when they are temporary', isSecret: true },
  { name: 'AWS_PROFILE', means: 'the profile of ~/.aws to take credentials from' },
  { name: 'AWS_REGION', means: 'the region of an S3 store whose URL names none' },
  { name: 'AWS_CONFIG_FILE', means: 'another place for ~/.aws/config' },
  { name: 'AWS_SHARED_CREDENTIALS_FILE', means: 'another place for ~/.aws/credentials' },
  { name: 'XDG_DATA_HOME', means: "the folder for holdfast's own data (default: ~/.local/share)" },
  { name: 'TMPDIR', means: 'the folder for error logs, when the vault has none' },
  { name: 'NO_COLOR', means: 'no colours, like --no-color' },
  { name: 'FORCE_COLOR', means: 'colours even where the output is no terminal' },
  { name: 'TERM', means: '"dumb" keeps the screen free of control sequences' },
];
