import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createBucket } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { createFaultPlan } from './faults.ts';
import type { FaultAction, FaultPlan } from './faults.ts';
import { answer, errorAnswer, operations } from './operations.ts';
import type { S3Answer, S3Behaviour, S3Request } from './operations.ts';

/** A small S3 in this process, on loopback: honest by default, and wrong in planned ways. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly bucket: Bucket;
  readonly behaviour: S3Behaviour;
  readonly faults: FaultPlan;
  /** Every request that arrived, as "Operation key". */
  readonly requests: string[];
  /** How far the server's clock is ahead of ours. */
  clockOffsetMs: number;
  /** When set, other regions in the signature are refused. */
  region: string | null;
  /** A store URL below this prefix. */
  storeUrl(prefix?: string): string;
}

export interface S3ServerOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
}

const clockSkewMsMax = 15 * 60_000;

export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void serve(state, request, response).catch((error: unknown) => response.destroy(error as Error));
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const state: S3Server = {
    endpoint,
    credentials: { accessKeyId: 'HFTESTKEY', secretAccessKey: 'hf-test-secret-do-not-print' },
    bucket: createBucket('bucket'),
    behaviour: { conditions: 'honoured', checksums: 'echoed', versions: true },
    faults: createFaultPlan(),
    requests: [],
    clockOffsetMs: 0,
    region: null,
    storeUrl: (prefix = 'store') => `s3://bucket/${prefix}?endpoint=${endpoint}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return state;
}

async function serve(server: S3Server, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const url = new URL(message.url ?? '/', server.endpoint);
  const [, bucketName = '', ...keyParts] = url.pathname.split('/');
  const key = decodeURIComponent(keyParts.join('/'));
  const headers = message.headers as S3Request['headers'];
  const operation = operationOf(message.method ?? '', url.searchParams, key);
  server.requests.push(`${operation} ${key}`);
  const fault = server.faults.take({ operation, key });
  if (fault?.kind === 'drop' && fault.when === 'before') {
    message.socket.resetAndDestroy();
    return;
  }
  if (fault?.kind === 'stall' && fault.afterBytes === undefined) return;
  const request: S3Request = { operation, key, query: url.searchParams, headers, body: Buffer.concat(chunks) };
  let result = forced(fault) ?? refuse(server, bucketName, request);
  result ??= operations[operation]?.(request, { bucket: server.bucket, behaviour: server.behaviour, fault }) ?? null;
  result ??= errorAnswer(405, 'MethodNotAllowed');
  if (fault?.kind === 'drop') {
    message.socket.resetAndDestroy();
    return;
  }
  send(server, { answer: result, fault, isHead: message.method === 'HEAD' }, response);
}

/** An answer that takes the place of the operation. */
function forced(fault: FaultAction | null): S3Answer | null {
  if (fault?.kind === 'error_in_200') return { ...errorAnswer(500, fault.code), status: 200 };
  if (fault?.kind !== 'answer') return null;
  const { status, code, headers = {}, body } = fault;
  if (body !== undefined) return answer(status, { ...headers }, Buffer.from(body));
  const error = code === undefined ? answer(status) : errorAnswer(status, code);
  return { ...error, headers: { ...headers } };
}

/** What a server checks before it looks at the operation. */
function refuse(server: S3Server, bucketName: string, { headers }: S3Request): S3Answer | null {
  const signature =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/s3\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/.exec(
      headers['authorization'] ?? '',
    );
  if (signature === null) return errorAnswer(403, 'AccessDenied');
  if (signature[1] !== server.credentials.accessKeyId) return errorAnswer(403, 'InvalidAccessKeyId');
  const skewMs = Math.abs(parseAmzDate(headers['x-amz-date'] ?? '') - (Date.now() + server.clockOffsetMs));
  if (!(skewMs <= clockSkewMsMax)) return errorAnswer(403, 'RequestTimeTooSkewed');
  if (server.region !== null && signature[2] !== server.region) {
    return errorAnswer(400, 'AuthorizationHeaderMalformed', [['Region', server.region]]);
  }
  return bucketName === server.bucket.name ? null : errorAnswer(404, 'NoSuchBucket');
}

function send(
  server: S3Server,
  { answer: result, fault, isHead }: { answer: S3Answer; fault: FaultAction | null; isHead: boolean },
  response: ServerResponse,
): void {
  let { body } = result;
  const headers: Record<string, string> = {
    date: new Date(Date.now() + server.clockOffsetMs).toUTCString(),
    'x-amz-request-id': 'TESTREQUEST',
    ...(body.length > 0 ? { 'content-type': 'application/xml' } : {}),
    ...result.headers,
  };
  if (fault?.kind === 'hide_headers') for (const name of fault.names) delete headers[name];
  if (fault?.kind === 'flip') {
    body = Buffer.from(body);
    body[fault.at] = (body[fault.at] ?? 0) ^ 1;
  }
  if (fault?.kind === 'truncate' && fault.how === 'consistent') {
    body = body.subarray(0, fault.bytes);
    headers['content-length'] = String(body.length);
  }
  if (isHead) {
    response.writeHead(result.status, headers).end();
    return;
  }
  if (result.status !== 204) headers['content-length'] ??= String(body.length);
  response.writeHead(result.status, headers);
  const cutAt = fault?.kind === 'truncate' && fault.how !== 'consistent' ? fault.bytes : null;
  if (fault?.kind === 'stall' && fault.afterBytes !== undefined) {
    response.write(body.subarray(0, fault.afterBytes));
  } else if (cutAt !== null && fault?.kind === 'truncate') {
    response.write(body.subarray(0, cutAt), () => {
      if (fault.how === 'reset') response.socket?.resetAndDestroy();
      else response.socket?.end();
    });
  } else {
    response.end(body);
  }
}

/** The S3 name of a request, from its method, its query and whether it names a key. */
export function operationOf(method: string, query: URLSearchParams, key: string): string {
  const bucketOperations: readonly [method: string, parameter: string, operation: string][] = [
    ['GET', 'versioning', 'GetBucketVersioning'],
    ['PUT', 'versioning', 'PutBucketVersioning'],
    ['GET', 'lifecycle', 'GetBucketLifecycleConfiguration'],
    ['PUT', 'lifecycle', 'PutBucketLifecycleConfiguration'],
    ['GET', 'location', 'GetBucketLocation'],
    ['GET', 'versions', 'ListObjectVersions'],
    ['GET', 'uploads', 'ListMultipartUploads'],
    ['GET', 'list-type', 'ListObjectsV2'],
  ];
  const objectOperations: readonly [method: string, parameter: string | null, operation: string][] = [
    ['POST', 'uploads', 'CreateMultipartUpload'],
    ['PUT', 'partNumber', 'UploadPart'],
    ['POST', 'uploadId', 'CompleteMultipartUpload'],
    ['DELETE', 'uploadId', 'AbortMultipartUpload'],
    ['PUT', null, 'PutObject'],
    ['GET', null, 'GetObject'],
    ['HEAD', null, 'HeadObject'],
    ['DELETE', null, 'DeleteObject'],
  ];
  const table: readonly [string, string | null, string][] = key === '' ? bucketOperations : objectOperations;
  const found = table.find(([wanted, parameter]) => wanted === method && (parameter === null || query.has(parameter)));
  return found?.[2] ?? `${method} ?`;
}

/** "20260102T030405Z" in milliseconds. */
function parseAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return NaN;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
