import { HoldfastError } from '../../model/errors.ts';

/**
 * What the end of a worker thread that should have gone on means. `doing` completes the sentence "A thread that ...": where the
 * system had no descriptors or memory to start it, that is the machine's limit, not a bug of ours.
 */
export function threadError(cause: unknown, doing: string): HoldfastError {
  const isInit = cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_INIT_FAILED';
  const reason = isInit ? /\bE[A-Z]+$/.exec(cause.message)?.[0] : undefined;
  if (reason === 'EMFILE' || reason === 'ENFILE') {
    return new HoldfastError(
      'descriptors_exhausted',
      `Cannot start a thread that ${doing}: too many open files (${reason}).`,
      {
        hint: 'Close other programs or raise the limit (ulimit -n), then run the command again.',
        cause,
      },
    );
  }
  if (reason !== undefined) {
    return new HoldfastError('local_io', `Cannot start a thread that ${doing}: ${reason}.`, {
      hint: 'Close other programs, then run the command again.',
      cause,
    });
  }
  return new HoldfastError('invariant_broken', `A thread that ${doing} ended unexpectedly.`, { cause });
}
