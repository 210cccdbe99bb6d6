import { cancel, isCancel, text } from '@clack/prompts';
import { HoldfastError } from '../model/errors.ts';
import type { Io } from './io.ts';

/** Asks for the label of the restore point to be typed. Never a yes or no: a hand can say yes without the head. */
export async function askLabel(io: Io): Promise<string> {
  const given = await text({
    message: 'This changes live files. Type the label of the restore point to go back to it',
    input: io.stdin,
    output: io.stderr,
  });
  if (!isCancel(given)) return given;
  cancel('Nothing was changed.', { output: io.stderr });
  throw new HoldfastError('canceled', 'Stopped by Ctrl-C.', {
    data: { signal: 'SIGINT' },
    hint: 'Nothing was changed.',
  });
}
