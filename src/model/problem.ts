import type { ByteString } from '../lib/bytes.ts';

/**
 * One path went wrong while the operation as a whole went on. A snapshot with a problem is partial (exit 3).
 * `path` is relative to the vault, a byte string, or '' when the problem is not about one path.
 */
export interface Problem {
  readonly path: ByteString;
  readonly code: ProblemCode;
  /** A short clause in plain words: "permission denied". */
  readonly message: string;
}

export type ProblemCode =
  | 'unreadable_file'
  | 'unreadable_folder'
  | 'unstable'
  | 'replaced_while_read'
  | 'too_large'
  | 'history_incomplete'
  | 'history_damaged'
  | 'name_taken'
  | 'name_too_long'
  | 'not_restored'
  | 'left_alone'
  | 'damaged'
  | 'unsupported_name';

/** Something a person should know that makes nothing incomplete: "1 fifo recorded, content not applicable". */
export interface Notice {
  readonly code: NoticeCode;
  readonly message: string;
  readonly count?: number;
}

export type NoticeCode =
  | 'special_file'
  | 'vanished'
  | 'link_outside'
  | 'special_mode_bits'
  | 'mount_point'
  | 'nested_repository'
  | 'repository_unread'
  | 'repository_state'
  | 'cleaned_up'
  | 'index_damaged'
  | 'index_rebuilt'
  | 'ignore_rule_doubtful'
  | 'versioning_off'
  | 'rebuilt_pack_index'
  | 'database_log'
  | 'database_as_bytes'
  | 'heartbeat_failed'
  | 'hook_failed'
  | 'hook_untrusted'
  | 'key_file_open'
  | 'earlier_keys_left'
  | 'purged';

/** What a snapshot did not protect, and why: one row of the ledger. */
export interface LedgerEntry {
  /** A path (byte string, folders end in '/') or, for rules that matched in many places, the pattern. */
  readonly path: ByteString;
  readonly reason: LedgerReason;
  /** Where the rule stands: ".gitignore:3", ".syncignore:1", "info/exclude:2", "core.excludesFile:9", or ''. */
  readonly source: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** True when counting stopped early: the real figures are at least these. */
  readonly atLeast: boolean;
}

export type LedgerReason =
  | 'gitignore'
  | 'syncignore'
  | 'secret'
  | 'nested_repository'
  | 'special_file'
  | 'too_large'
  | 'other_filesystem'
  | 'unreadable'
  | 'unsupported_name';
