import { createHash } from 'node:crypto';
import { xmlError } from '../../support/s3-server/xml.ts';

export interface WireRequest {
  readonly operation: string;
  readonly method: string;
  /** As it came: path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  /** How the connection ends: after so many bytes of the body. */
  readonly cut?: { readonly after: number; readonly how: 'reset' | 'fin' | 'silence' };
}

/** What a lying network or storage does with one request, and how a command that met it may end beside well. */
export interface WireFault {
  readonly name: string;
  readonly codes: readonly number[];
  readonly codesOfStranger?: readonly number[];
  /** Requests it changes nothing for are left out. */
  readonly hits: (operation: string) => boolean;
  /** `forward` asks the real server. Null cuts the connection without a word, 'silence' keeps it open. */
  play(request: WireRequest, forward: () => Promise<WireAnswer>): Promise<WireAnswer | null | 'silence'>;
}

const any = (_operation: string): boolean => true;
const is =
  (...operations: string[]) =>
  (operation: string): boolean =>
    operations.includes(operation);
const reads = is('GetObject', 'HeadObject');
const answersBody = (operation: string): boolean => /^(?:GetObject|List|GetBucket|Create|Complete)/.test(operation);

const errorDocument = (status: number, code: string, headers: Record<string, string> = {}): WireAnswer => {
  const body = xmlError(code);
  return {
    status,
    headers: { 'content-type': 'application/xml', 'content-length': String(body.length), ...headers },
    body,
  };
};
const fixed = (name: string, codes: readonly number[], make: () => WireAnswer, hits = any): WireFault => ({
  name,
  codes,
  hits,
  play: async () => make(),
});
const half = (answer: WireAnswer): number => answer.body.length >> 1;
const rewriteBody = (answer: WireAnswer, change: (text: string) => string): WireAnswer => {
  const body = Buffer.from(change(answer.body.toString('utf8')));
  return { ...answer, body, headers: { ...answer.headers, 'content-length': String(body.length) } };
};
const without = (headers: Record<string, string>, pattern: RegExp): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !pattern.test(name)));
const page = '<!doctype html><html><title>Sign in to the hotel network</title></html>';

/** RELIABILITY section 4 (a), as seen on the wire. */
export const wireFaults: readonly WireFault[] = [
  { name: 'drop-before', codes: [5], hits: any, play: async () => null },
  {
    name: 'drop-after',
    codes: [5],
    hits: any,
    async play(_request, forward) {
      await forward();
      return null;
    },
  },
  fixed('status-500', [5], () => errorDocument(500, 'InternalError')),
  fixed('status-503', [5], () => errorDocument(503, 'SlowDown', { 'retry-after': '1' })),
  fixed('status-403', [6], () => errorDocument(403, 'AccessDenied')),
  fixed('status-409', [5], () => errorDocument(409, 'ConditionalRequestConflict'), is('PutObject')),
  fixed('error-in-200', [5], () => errorDocument(200, 'InternalError')),
  fixed('login-page', [5, 7], () => ({
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: Buffer.from(page),
  })),
  fixed('redirect', [6], () => ({
    status: 307,
    headers: { location: 'http://127.0.0.2:9/else' },
    body: Buffer.alloc(0),
  })),
  // The SDK learns the server's clock from it and signs anew; for good, the storage rejects us.
  fixed('clock-rejected', [6], () => errorDocument(403, 'RequestTimeTooSkewed', { date: new Date().toUTCString() })),
  {
    name: 'clock-off',
    codes: [],
    hits: any,
    async play(_request, forward) {
      const answer = await forward();
      return { ...answer, headers: { ...answer.headers, date: new Date(Date.now() - 400_000).toUTCString() } };
    },
  },
  ...(['reset', 'fin', 'silence'] as const).map((how): WireFault => ({
    name: how === 'silence' ? 'stall-mid-body' : `truncate-${how}`,
    codes: [5, 7],
    hits: answersBody,
    async play(_request, forward) {
      const answer = await forward();
      return { ...answer, cut: { after: half(answer), how } };
    },
  })),
  {
    name: 'truncate-consistent',
    codes: [5, 7],
    hits: answersBody,
    async play(_request, forward) {
      const answer = await forward();
      const body = answer.body.subarray(0, half(answer));
      const headers = without(answer.headers, /^x-amz-checksum|^etag$|^content-range$/);
      return { ...answer, body, headers: { ...headers, 'content-length': String(body.length) } };
    },
  },
  {
    name: 'flip',
    codes: [5, 7],
    hits: is('GetObject'),
    async play(_request, forward) {
      const answer = await forward();
      const body = Buffer.from(answer.body);
      if (body.length > 0) body[body.length >> 1]! ^= 0x10;
      return { ...answer, body, headers: without(answer.headers, /^x-amz-checksum|^etag$/) };
    },
  },
  {
    name: 'stall',
    codes: [5],
    hits: any,
    play: async () => 'silence',
  },
  {
    name: 'not-found',
    codes: [4, 5, 7],
    hits: reads,
    play: async () => errorDocument(404, 'NoSuchKey'),
  },
  {
    name: 'stale-list',
    codes: [5, 7],
    codesOfStranger: [4],
    hits: is('ListObjectsV2'),
    async play(_request, forward) {
      return rewriteBody(await forward(), (text) => text.replaceAll(/<Contents>.*?<\/Contents>/gs, ''));
    },
  },
  {
    name: 'missing-entry',
    codes: [5, 7],
    codesOfStranger: [4],
    hits: is('ListObjectsV2', 'ListObjectVersions'),
    async play(_request, forward) {
      let at = 0;
      return rewriteBody(await forward(), (text) =>
        text.replaceAll(/<(Contents|Version)>.*?<\/\1>/gs, (entry) => (at++ % 2 === 0 ? '' : entry)),
      );
    },
  },
  {
    name: 'endless-list',
    codes: [5],
    hits: is('ListObjectsV2'),
    async play(_request, forward) {
      return rewriteBody(await forward(), (text) =>
        text
          .replace(/<IsTruncated>.*?<\/IsTruncated>/, '<IsTruncated>true</IsTruncated>')
          .replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, '')
          .replace('</ListBucketResult>', '<NextContinuationToken>again</NextContinuationToken></ListBucketResult>'),
      );
    },
  },
  {
    // The storage says yes and keeps nothing; its checksum is left out, or nobody but `verify` could know.
    name: 'lost-put',
    codes: [5, 7],
    hits: is('PutObject'),
    play: async ({ body }) => ({ status: 200, headers: { etag: etagOf(body) }, body: Buffer.alloc(0) }),
  },
  {
    name: 'checksum-hidden',
    codes: [],
    hits: is('PutObject'),
    async play(_request, forward) {
      const answer = await forward();
      return { ...answer, headers: without(answer.headers, /^x-amz-checksum/) };
    },
  },
  {
    name: 'condition-ignored',
    codes: [],
    hits: is('PutObject'),
    async play({ body }, forward) {
      const answer = await forward();
      if (answer.status !== 412) return answer;
      return { status: 200, headers: { etag: etagOf(body) }, body: Buffer.alloc(0) };
    },
  },
  {
    name: 'header-refused',
    codes: [],
    hits: is('PutObject'),
    async play({ headers }, forward) {
      const isRefused = headers['if-none-match'] !== undefined || headers['x-amz-checksum-sha256'] !== undefined;
      return isRefused ? errorDocument(501, 'NotImplemented') : forward();
    },
  },
  {
    name: 'delivered-twice',
    codes: [],
    hits: any,
    async play(_request, forward) {
      await forward();
      return forward();
    },
  },
];

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}
