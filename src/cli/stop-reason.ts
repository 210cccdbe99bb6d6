import { HoldfastError } from '../model/errors.ts';
import type { EndingSignal } from './exit-codes.ts';

const words: Readonly<Record<EndingSignal, string>> = {
  SIGINT: 'Stopped by Ctrl-C',
  SIGTERM: 'Stopped by SIGTERM',
  SIGHUP: 'Stopped because the terminal was closed',
};

/** Why the work is to stop, as the reason of the abort signal; `exitCodeOf` tells the signals apart. */
export function stopReason(signal: EndingSignal): HoldfastError {
  return new HoldfastError('canceled', `${words[signal]}.`, {
    data: { signal },
    hint: 'Nothing half done is visible; run the same command again to go on.',
  });
}
