import { HoldfastError } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';
import { systemCode } from '../fs/map-fs-error.ts';

/** What was being asked of whom; goes into messages. */
export interface S3Place {
  /** Name of the S3 operation: "PutObject". */
  readonly operation: string;
  readonly key?: string | undefined;
  readonly bucket: string;
  /** Host of the endpoint, for people. */
  readonly host: string;
}

export interface S3Request extends S3Place {
  readonly status?: number | undefined;
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
]);
const cut = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_CONSTANT']);
const noCredentials = new Set(['CredentialsProviderError', 'TokenProviderError']);

/** Translates a failure that came without an answer; null when it is none. `name` is the error's name. */
export function mapNetworkError(error: unknown, name: string, request: S3Request): HoldfastError | null {
  if (noCredentials.has(name)) return credentialsMissing(request);
  const code = deepCode(error);
  if (code === 'EMFILE' || code === 'ENFILE') {
    return failS3('descriptors_exhausted', request, `too many open files (${code})`, {
      hint: 'Close other programs or raise the limit (ulimit -n), then run the command again.',
    });
  }
  if (unreachable.has(code)) {
    const reason = code === 'ENOTFOUND' ? 'no such host' : code === 'ECONNREFUSED' ? 'connection refused' : 'no route';
    return failS3('storage_unavailable', request, `${reason} (${code})`, {
      hint: 'Check the network and the endpoint in the store URL.',
      data: { reached: false },
    });
  }
  if (isTlsCode(code)) {
    return failS3('storage_unavailable', request, `its certificate or TLS set-up was not accepted (${code})`, {
      hint: 'Check the endpoint and the clock; for a private authority set NODE_EXTRA_CA_CERTS. Plain http is never tried instead.',
      data: { transient: false },
    });
  }
  // Before the timeouts: the SDK gives a reset connection the name of one, too.
  if (cut.has(code) || code.startsWith('HPE_') || (error instanceof Error && error.message === 'aborted')) {
    return failS3('storage_unavailable', request, `the connection was cut (${code === '' ? 'aborted' : code})`, {
      hint: 'Check the network; the command can be run again and goes on where it stopped.',
    });
  }
  if (name === 'TimeoutError' || code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT') {
    const connected = error instanceof Error && /inactivity/.test(error.message);
    return failS3(
      'storage_timeout',
      request,
      connected ? 'the connection stalled' : `no connection in time${code === '' ? '' : ` (${code})`}`,
      {
        hint: 'Check the network; the command can be run again and goes on where it stopped.',
        data: { reached: connected },
      },
    );
  }
  if (error instanceof Error && /region is missing/i.test(error.message)) {
    return failS3('store_url_invalid', request, 'no region is set', {
      hint: 'Add region=<region> to the store URL, or set AWS_REGION.',
    });
  }
  return null;
}

/** An error about one request: "GetObject of KEY at HOST failed: REASON." */
export function failS3(
  code: ErrorCode,
  request: S3Request,
  reason: string,
  details: { hint: string; data?: Record<string, unknown> },
): HoldfastError {
  const what = request.key === undefined ? request.operation : `${request.operation} of ${request.key}`;
  return new HoldfastError(code, `${what} at ${request.host} failed: ${reason}.`, {
    hint: details.hint,
    data: { operation: request.operation, status: request.status, ...details.data },
  });
}

function credentialsMissing(request: S3Request): HoldfastError {
  return failS3('credentials_missing', request, 'no credentials were found', {
    hint:
      'Looked in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws/credentials and ~/.aws/config (AWS_PROFILE), single sign-on, ' +
      'a web identity token, and the container or machine role. Set one of them.',
  });
}

/** The system's code, also from inside an AggregateError (one attempt per address). */
function deepCode(error: unknown): string {
  const code = systemCode(error);
  if (code !== '' || !(error instanceof AggregateError)) return code;
  for (const one of error.errors) {
    const inner = systemCode(one);
    if (inner !== '') return inner;
  }
  return '';
}

function isTlsCode(code: string): boolean {
  return /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO)/.test(code);
}
