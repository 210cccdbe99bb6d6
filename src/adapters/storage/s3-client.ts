import { S3Client } from '@aws-sdk/client-s3';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { RequestCounts } from '../../ports/object-storage.ts';
import type { StoreUrl } from '../../format/store-url.ts';
import type { S3Place } from './map-network-error.ts';
import { mapS3Error, wrongRegion } from './map-s3-error.ts';
import type { S3ErrorFacts } from './map-s3-error.ts';
import { checkAnswer } from './s3-answer-check.ts';
import type { S3Answer } from './s3-answer-check.ts';

export type S3StoreUrl = Extract<StoreUrl, { kind: 's3' }>;

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3ClientOptions {
  readonly requests: RequestCounts;
  readonly connectTimeoutMs: number;
  /** Longest silence on a connection, while sending or receiving. */
  readonly idleTimeoutMs: number;
  /** Null for the standard chain: environment, files, single sign-on, roles. */
  readonly credentials: S3Credentials | null;
}

/** One S3 operation. `run` is called with the client and must pass `options` to `send`. */
export interface S3Call<Output> {
  readonly operation: string;
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  run(client: S3Client, options: { abortSignal?: AbortSignal }): Promise<Output>;
}

/** The SDK with the house's manners: one attempt a call, no redirect, checked answers, our errors. */
export interface S3Connection {
  readonly bucket: string;
  call<Output>(call: S3Call<Output>): Promise<Output>;
  /** Translates a failure that came after the answer's head: while its body was read. */
  mapBodyError(
    error: unknown,
    call: { operation: string; key?: string; signal?: AbortSignal | undefined },
  ): HoldfastError;
  destroy(): void;
}

/** Which counter an operation belongs to. */
const kinds: Readonly<Record<string, keyof RequestCounts>> = {
  GetObject: 'get',
  HeadObject: 'head',
  ListObjectsV2: 'list',
  ListObjectVersions: 'list',
  ListMultipartUploads: 'list',
  DeleteObject: 'delete',
  AbortMultipartUpload: 'delete',
  GetBucketVersioning: 'get',
  GetBucketLifecycleConfiguration: 'get',
};

export function connectS3(store: S3StoreUrl, options: S3ClientOptions): S3Connection {
  const client = createClient(store, options);
  const host = store.endpoint === null ? 'Amazon S3' : new URL(store.endpoint).host;
  const requestOf = (call: { operation: string; key?: string | undefined }): S3Place => ({
    operation: call.operation,
    key: call.key,
    bucket: store.bucket,
    host,
  });

  async function attempt<Output>(call: S3Call<Output>): Promise<Output> {
    call.signal?.throwIfAborted();
    try {
      return await call.run(client, call.signal === undefined ? {} : { abortSignal: call.signal });
    } catch (error) {
      call.signal?.throwIfAborted();
      throw mapS3Error(error, requestOf(call), factsOf(error));
    }
  }

  return {
    bucket: store.bucket,
    async call(call) {
      try {
        return await attempt(call);
      } catch (error) {
        // The SDK has read the storage's clock from the answer by now and signs with it (C01).
        if (!isHoldfastError(error, 'clock_rejected')) throw error;
        return attempt(call);
      }
    },
    mapBodyError(error, call) {
      call.signal?.throwIfAborted();
      return mapS3Error(error, requestOf(call), null);
    },
    destroy: () => client.destroy(),
  };
}

function createClient(store: S3StoreUrl, options: S3ClientOptions): S3Client {
  const agent = { keepAlive: true, maxSockets: 32 };
  const client = new S3Client({
    // Other storages rarely look at the region, but the signature needs one.
    ...(store.region !== null ? { region: store.region } : store.endpoint !== null ? { region: 'us-east-1' } : {}),
    ...(store.endpoint !== null ? { endpoint: store.endpoint } : {}),
    ...(options.credentials !== null ? { credentials: options.credentials } : {}),
    forcePathStyle: store.pathStyle,
    maxAttempts: 1,
    // Several storages refuse the checksums the SDK would add by itself; ours are sent where they are taken.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Costs a round trip and a new connection per upload, and not every storage answers it.
    expectContinueHeader: false,
    followRegionRedirects: false,
    requestHandler: {
      // The handler would write warnings of its own to the terminal.
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      connectionTimeout: options.connectTimeoutMs,
      socketTimeout: options.idleTimeoutMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  const mayBePlain = store.endpoint?.startsWith('http:') ?? false;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = String(context['commandName']).replace(/Command$/, '');
      // An endpoint can also come from the environment or ~/.aws/config, past the check of the store URL (G07).
      if (!mayBePlain && (args.request as { protocol?: string }).protocol !== 'https:') throw plainHttp();
      options.requests[kinds[operation] ?? 'put']++;
      const result = await next(args);
      const answer = result.response as S3Answer;
      refuseRedirect(answer, { operation, bucket: store.bucket, host: store.endpoint ?? 'Amazon S3' });
      await checkAnswer(operation, answer);
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'holdfastAnswers' },
  );
  return client;
}

/** Redirects are not followed: the signature and the session token would go to whoever is named there (S22). */
function refuseRedirect(answer: S3Answer, place: S3Place): void {
  if (answer.statusCode < 300 || answer.statusCode > 399 || answer.statusCode === 304) return;
  const region = answer.headers['x-amz-bucket-region'];
  const location = answer.headers['location'];
  if (region !== undefined || location === undefined) throw wrongRegion(place, region);
  const target = URL.canParse(location) ? new URL(location).origin : 'somewhere else';
  throw new HoldfastError(
    'redirect_refused',
    `The storage redirects to ${JSON.stringify(target)}; that was not followed.`,
    {
      hint: 'If that is the right place, name it as the endpoint in the store URL.',
    },
  );
}

function plainHttp(): HoldfastError {
  return new HoldfastError(
    'store_url_invalid',
    'The endpoint set in the environment or ~/.aws/config is plain http://.',
    {
      hint: 'Name the endpoint in the store URL instead.',
    },
  );
}

/** Status and headers of the answer the SDK made an error of. */
function factsOf(error: unknown): S3ErrorFacts | null {
  if (typeof error !== 'object' || error === null) return null;
  const { $response: answer, Region: region } = error as { $response?: Partial<S3Answer>; Region?: unknown };
  if (typeof answer?.statusCode !== 'number') return null;
  const headers = { ...answer.headers };
  if (typeof region === 'string') headers['x-amz-bucket-region'] ??= region;
  return { status: answer.statusCode, headers };
}
