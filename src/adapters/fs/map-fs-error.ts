import { HoldfastError } from '../../model/errors.ts';

/** The system's error code ("ENOENT"), or '' when the error has none. */
export function systemCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/**
 * Translates a failure of our own files (spool, index, cache, store directory, holding directory) into an error a person
 * can act on. `doing` completes the sentence "Cannot ...". Errors that are ours already pass through.
 */
export function mapFsError(error: unknown, doing: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HoldfastError('disk_full', `Cannot ${doing}: the disk is full (${code}).`, {
      hint: 'Free some space and run the command again; nothing was lost.',
      cause: error,
    });
  }
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new HoldfastError('descriptors_exhausted', `Cannot ${doing}: too many open files (${code}).`, {
      hint: 'Close other programs or raise the limit (ulimit -n), then run the command again.',
      cause: error,
    });
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new HoldfastError('read_only', `Cannot ${doing}: writing is not allowed (${code}).`, {
      hint: 'Check the permissions of that folder, or choose another with "stateDir" or --store.',
      cause: error,
    });
  }
  const reason = code === '' ? String(error) : code;
  return new HoldfastError('local_io', `Cannot ${doing}: ${reason}.`, {
    hint: 'Check the disk; the operation was not acknowledged.',
    cause: error,
  });
}
