import { HoldfastError, type ErrorKind } from '../model/errors.ts';

/** Outcomes that are not errors. */
export const exitCodes = { ok: 0, refused: 1, incomplete: 3 } as const;

/** The one table from error kinds to exit codes; scripts rely on it. */
export const exitCodeOfKind: Readonly<Record<ErrorKind, number>> = {
  refused: 1,
  usage: 2,
  config: 2,
  not_found: 4,
  storage: 5,
  access: 6,
  integrity: 7,
  key: 8,
  local: 9,
  busy: 10,
  pending: 11,
  internal: 70,
  canceled: 130,
};

/** 128 plus the signal's number, as shells report it. */
export const exitCodeOfSignal = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type EndingSignal = keyof typeof exitCodeOfSignal;

/** What each code means and what is true afterwards; shown by `help exit-codes`. */
export const exitCodeMeanings: readonly { readonly code: string; readonly means: string; readonly state: string }[] = [
  { code: '0', means: 'done and complete', state: 'as promised' },
  { code: '1', means: 'refused by a safety rule', state: 'nothing changed' },
  { code: '2', means: 'the command line or the settings are wrong', state: 'nothing changed' },
  { code: '3', means: 'done, but incomplete: every path left out is named', state: 'what was done is durable' },
  { code: '4', means: 'no such snapshot, label or path', state: 'nothing changed' },
  { code: '5', means: 'the store cannot be reached or is too slow', state: 'can be resumed' },
  { code: '6', means: 'the store rejected credentials, permission or clock', state: 'can be resumed' },
  { code: '7', means: 'data is corrupt, missing or was tampered with', state: 'nothing passed off as whole' },
  { code: '8', means: 'wrong or missing key', state: 'nothing written' },
  { code: '9', means: 'this machine: disk full, limits, read-only', state: 'live files unchanged' },
  { code: '10', means: 'busy: another holdfast works on this vault', state: 'nothing changed' },
  { code: '11', means: 'an interrupted rollback is pending', state: 'unchanged since the interruption' },
  { code: '70', means: 'a bug in holdfast; an error id and a log file are named', state: 'as after a crash: safe' },
  { code: '78', means: 'no suitable Node.js found to run on', state: 'nothing changed' },
  { code: '129', means: 'stopped by hang-up (SIGHUP)', state: 'can be resumed' },
  { code: '130', means: 'stopped by Ctrl-C (SIGINT)', state: 'can be resumed' },
  { code: '143', means: 'stopped by SIGTERM', state: 'can be resumed' },
];

/** The exit code an error ends with. */
export function exitCodeOf(error: HoldfastError): number {
  if (error.code === 'canceled') {
    const signal = error.data['signal'];
    if (typeof signal === 'string' && Object.hasOwn(exitCodeOfSignal, signal)) {
      return exitCodeOfSignal[signal as EndingSignal];
    }
  }
  return exitCodeOfKind[error.kind];
}
