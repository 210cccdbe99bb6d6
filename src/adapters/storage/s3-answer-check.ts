import { answerInvalid } from './storage-answers.ts';

/** The part of the SDK's HTTP answer we look at. */
export interface S3Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  /** A stream until it is read. */
  body?: unknown;
}

/** What a good answer's document begins with; operations not named here answer with an empty body. */
const roots: Readonly<Record<string, string>> = {
  ListObjectsV2: 'ListBucketResult',
  ListObjectVersions: 'ListVersionsResult',
  ListMultipartUploads: 'ListMultipartUploadsResult',
  CreateMultipartUpload: 'InitiateMultipartUploadResult',
  CopyObject: 'CopyObjectResult',
  CompleteMultipartUpload: 'CompleteMultipartUploadResult',
  GetBucketVersioning: 'VersioningConfiguration',
  GetBucketLifecycleConfiguration: 'LifecycleConfiguration',
  GetObjectLockConfiguration: 'ObjectLockConfiguration',
};

/** No page of a listing is nearly this long. */
const documentSizeBytesMax = 16 << 20;

/**
 * Reads every answer that is not an object's bytes and checks that it is the kind of document asked for, before the SDK
 * parses it: the SDK reads a login page as an empty listing (S23).
 * @throws {HoldfastError} `storage_answer_invalid`, quoting the first characters
 */
export async function checkAnswer(operation: string, answer: S3Answer): Promise<void> {
  const isSuccess = answer.statusCode >= 200 && answer.statusCode < 300;
  if (operation === 'GetObject' && isSuccess) return;
  const body = await readDocument(answer.body);
  answer.body = body;
  const text = body.toString('utf8', 0, 1000).trimStart();
  if (isSuccess) {
    if (!isExpected(operation, text))
      throw answerInvalid(`${operation} was answered with another document`, { body: text });
    return;
  }
  if (/^<(?:!doctype|html)/i.test(text) && answer.statusCode < 500) {
    throw answerInvalid(`${operation} was answered with a web page and status ${answer.statusCode}`, { body: text });
  }
  // Only S3's own error document is worth parsing; for anything else the status has to do.
  if (!/<Error[\s>]/.test(text)) answer.body = Buffer.alloc(0);
}

function isExpected(operation: string, text: string): boolean {
  const root = roots[operation];
  if (root === undefined) return text === '';
  const found = /^(?:<\?xml[^>]*\?>\s*)?<(?:[\w-]+:)?(\w+)/.exec(text)?.[1];
  // An error in a 200 is for the SDK to unpack.
  return found === root || found === 'Error';
}

async function readDocument(body: unknown): Promise<Buffer> {
  if (body === undefined || body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    if (sizeBytes > documentSizeBytesMax) throw answerInvalid('it does not end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
