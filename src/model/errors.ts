/** Who acts next when something fails; each kind has one exit code (RELIABILITY section 0). */
export type ErrorKind =
  | 'refused'
  | 'usage'
  | 'config'
  | 'not_found'
  | 'storage'
  | 'access'
  | 'integrity'
  | 'key'
  | 'local'
  | 'busy'
  | 'pending'
  | 'internal'
  | 'canceled';

/** Every error code holdfast can report, with its kind. Codes are stable: scripts match on them. */
export const errorKinds = {
  // refused: a guard said no; nothing changed
  vault_unsuitable: 'refused',
  holding_not_ignored: 'refused',
  restore_too_large: 'refused',
  file_not_ours: 'refused',
  not_applied: 'refused',
  prune_refused: 'refused',
  clock_skewed: 'refused',
  versioning_off: 'refused',
  label_mismatch: 'refused',
  label_ambiguous: 'refused',
  snapshot_partial: 'refused',
  git_under_way: 'refused',
  key_needed: 'refused',
  // usage and config
  command_unknown: 'usage',
  flag_invalid: 'usage',
  label_invalid: 'usage',
  when_invalid: 'usage',
  path_invalid: 'usage',
  config_invalid: 'config',
  config_newer: 'config',
  store_url_invalid: 'config',
  store_foreign: 'config',
  store_newer: 'config',
  store_missing: 'config',
  replica_is_store: 'config',
  vault_missing: 'config',
  // not_found
  snapshot_unknown: 'not_found',
  path_unknown: 'not_found',
  store_empty: 'not_found',
  rollback_unknown: 'not_found',
  rollback_none: 'not_found',
  key_unknown: 'not_found',
  // storage: unreachable, throttled or too slow
  storage_unavailable: 'storage',
  storage_throttled: 'storage',
  storage_timeout: 'storage',
  storage_conflict: 'storage',
  storage_answer_invalid: 'storage',
  storage_archived: 'storage',
  // access
  credentials_missing: 'access',
  access_denied: 'access',
  clock_rejected: 'access',
  redirect_refused: 'access',
  // integrity
  object_missing: 'integrity',
  object_corrupt: 'integrity',
  pack_corrupt: 'integrity',
  pack_missing: 'integrity',
  header_invalid: 'integrity',
  record_invalid: 'integrity',
  store_rewound: 'integrity',
  spool_damaged: 'integrity',
  keys_invalid: 'integrity',
  encryption_downgraded: 'integrity',
  tree_unsafe: 'integrity',
  drill_failed: 'integrity',
  journal_invalid: 'integrity',
  // key
  key_missing: 'key',
  key_wrong: 'key',
  key_invalid: 'key',
  // local
  disk_full: 'local',
  descriptors_exhausted: 'local',
  read_only: 'local',
  local_io: 'local',
  directory_unusable: 'local',
  service_unavailable: 'local',
  // busy
  vault_locked: 'busy',
  store_busy: 'busy',
  git_locked: 'busy',
  rollback_pending: 'pending',
  rollback_stopped: 'pending',
  live_changed: 'pending',
  // internal
  invariant_broken: 'internal',
  canceled: 'canceled',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export interface ErrorDetails {
  /** Facts for scripts; never a secret. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** What the person can do next, as a sentence or a command. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class. `message` is a whole sentence about what failed; `hint` says what to do. */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>>;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.data = details.data ?? {};
    this.hint = details.hint;
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}

/** Narrows an unknown error, optionally to one of the given codes. */
export function isHoldfastError(error: unknown, ...codes: ErrorCode[]): error is HoldfastError {
  return error instanceof HoldfastError && (codes.length === 0 || codes.includes(error.code));
}
