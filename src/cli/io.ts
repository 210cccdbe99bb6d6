import type { Readable, Writable } from 'node:stream';
import type { Host } from '../app/host.ts';
import type { EndingSignal } from './exit-codes.ts';

export type InputStream = Readable & { readonly isTTY?: boolean | undefined };
export type OutputStream = Writable & { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined };

/** Everything a command may touch besides the engine; `main.ts` passes the process, tests pass doubles. */
export interface Io extends Host {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Fires on SIGINT, SIGTERM and SIGHUP; its reason is a `HoldfastError` of code `canceled`. */
  readonly signal: AbortSignal;
  /** Until disposed, signals go to `take` instead of stopping us: they are meant for a program we run in the foreground. */
  divertSignals(take: (signal: EndingSignal) => void): Disposable;
}
