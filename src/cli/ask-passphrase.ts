import { parsePassphrase } from '../format/key-secret.ts';
import { HoldfastError } from '../model/errors.ts';
import type { KeySecret } from '../model/store-keys.ts';
import type { Io } from './io.ts';
import type { Output } from './output.ts';

/** Asks for the passphrase of the store, without echo; null where there is nobody to ask. */
export async function askPassphrase(io: Io, out: Output): Promise<KeySecret | null> {
  return canAsk(io, out) ? parsePassphrase(await ask(io, 'Passphrase of the store'), 'The answer') : null;
}

/** Asks for a new passphrase, twice; null where there is nobody to ask. @throws {HoldfastError} `key_invalid` */
export async function askNewPassphrase(io: Io, out: Output): Promise<KeySecret | null> {
  if (!canAsk(io, out)) return null;
  const first = await ask(io, 'New passphrase (it cannot be recovered: keep it safe)');
  if ((await ask(io, 'The same again')) === first) return parsePassphrase(first, 'The answer');
  throw new HoldfastError('key_invalid', 'The two passphrases differ.', { hint: 'Nothing was changed; try again.' });
}

function canAsk(io: Io, out: Output): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true && !out.quiet;
}

async function ask(io: Io, message: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts');
  // A question is no result: standard output stays free for it.
  const answer = await password({ message, mask: '•', input: io.stdin, output: io.stderr });
  if (!isCancel(answer)) return answer;
  throw new HoldfastError('canceled', 'Stopped by Ctrl-C.', {
    data: { signal: 'SIGINT' },
    hint: 'Nothing was changed.',
  });
}
