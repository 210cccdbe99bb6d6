import { systemCode } from '../fs/map-fs-error.ts';

export interface AddressCall {
  readonly url: string;
  /** JSON to POST; null for a plain GET. */
  readonly body: string | null;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls an address of the settings; returns null when it answered well, else why not, in words that hold neither the address (it
 * often is a secret itself) nor anything of the answer. Redirects are not followed: where they lead nobody approved.
 */
export async function callAddress({ url, body, timeoutMs, signal }: AddressCall): Promise<string | null> {
  const parsed = URL.parse(url);
  if (parsed === null) return 'it is no address';
  if (parsed.protocol !== 'https:' && !(parsed.protocol === 'http:' && isLoopback(parsed.hostname))) {
    return 'only https is called, or http on this very machine';
  }
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(parsed, {
      method: body === null ? 'GET' : 'POST',
      ...(body === null ? {} : { body, headers: { 'content-type': 'application/json' } }),
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    await answer.body?.cancel();
    if (answer.ok) return null;
    const isRedirect = answer.status >= 300 && answer.status < 400;
    return isRedirect
      ? `it redirects (HTTP ${answer.status}), which is not followed`
      : `it answered HTTP ${answer.status}`;
  } catch (error) {
    if (timeout.aborted) return `no answer within ${timeoutMs / 1000} s`;
    if (signal?.aborted === true) return 'stopped';
    const code = systemCode(error instanceof Error ? error.cause : error);
    return `it cannot be reached${code === '' ? '' : ` (${code})`}`;
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
