import { addVersion, currentVersion, md5Hex, removeVersion, sha256Base64 } from './bucket.ts';
import type { Bucket, BucketVersion } from './bucket.ts';
import { listObjects, listUploads, listVersions } from './listings.ts';
import { abortUpload, beginUpload, completeUpload, putPart } from './multipart.ts';
import type { FaultAction } from './faults.ts';
import { xmlDocument, xmlError, xmlTexts } from './xml.ts';
import type { XmlElement } from './xml.ts';

export interface S3Request {
  readonly operation: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  body: Buffer;
}

/** How far the server goes in being S3; the defaults are Amazon's. */
export interface S3Behaviour {
  /** `If-None-Match: *` on writes. */
  conditions: 'honoured' | 'ignored' | 'refused';
  /** `x-amz-checksum-sha256`: verified and echoed, verified only, or answered 501 (or 400). */
  checksums: 'echoed' | 'silent' | 'refused' | 'refused_400';
  /** False: every versioning operation is answered 501. */
  versions: boolean;
}

/** What an operation needs beside its request. */
export interface OperationContext {
  readonly bucket: Bucket;
  readonly behaviour: S3Behaviour;
  readonly fault: FaultAction | null;
}

type Operation = (request: S3Request, context: OperationContext) => S3Answer;

/** Every operation the server knows, by its S3 name. */
export const operations: Readonly<Record<string, Operation>> = {
  PutObject: putObject,
  GetObject: (request, context) => getObject(request, context),
  HeadObject: (request, context) => ({ ...getObject(request, context), body: Buffer.alloc(0) }),
  DeleteObject: deleteObject,
  ListObjectsV2: listObjects,
  ListObjectVersions: versioned(listVersions),
  ListMultipartUploads: listUploads,
  CreateMultipartUpload: beginUpload,
  UploadPart: putPart,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
  GetBucketLocation: () => answer(200, {}, xmlDocument('LocationConstraint', [])),
  GetBucketVersioning: versioned((_request, { bucket }) =>
    answer(200, {}, xmlDocument('VersioningConfiguration', [['Status', bucket.versioning ?? undefined]])),
  ),
  PutBucketVersioning: versioned((request, { bucket }) => {
    const status = xmlTexts(request.body.toString(), 'Status')[0];
    if (status !== 'Enabled' && status !== 'Suspended') return errorAnswer(400, 'MalformedXML');
    bucket.versioning = status;
    return answer(200);
  }),
  GetBucketLifecycleConfiguration: (_request, { bucket }) =>
    bucket.lifecycle === null
      ? errorAnswer(404, 'NoSuchLifecycleConfiguration')
      : answer(200, {}, Buffer.from(bucket.lifecycle)),
  PutBucketLifecycleConfiguration: (request, { bucket }) => {
    bucket.lifecycle = request.body.toString();
    return answer(200);
  },
};

export function answer(status: number, headers: Record<string, string> = {}, body: Buffer = Buffer.alloc(0)): S3Answer {
  return { status, headers, body };
}

export function errorAnswer(status: number, code: string, extra: XmlElement[] = []): S3Answer {
  return answer(status, {}, xmlError(code, extra));
}

/** The answer to a write whose condition or checksum is not to be carried out, or null to go on. */
export function refuseWrite(request: S3Request, context: OperationContext): S3Answer | null {
  const { behaviour, bucket } = context;
  const isConditional = request.headers['if-none-match'] === '*';
  if (isConditional && behaviour.conditions === 'refused') {
    return errorAnswer(501, 'NotImplemented', [['Header', 'If-None-Match']]);
  }
  const checksum = request.headers['x-amz-checksum-sha256'] ?? request.headers['x-amz-checksum-algorithm'];
  if (checksum !== undefined && behaviour.checksums === 'refused') return errorAnswer(501, 'NotImplemented');
  if (checksum !== undefined && behaviour.checksums === 'refused_400') return errorAnswer(400, 'InvalidArgument');
  const signed = request.headers['x-amz-content-sha256'] ?? '';
  if (/^[0-9a-f]{64}$/.test(signed) && Buffer.from(signed, 'hex').toString('base64') !== sha256Base64(request.body)) {
    return errorAnswer(400, 'XAmzContentSHA256Mismatch');
  }
  const sent = request.headers['x-amz-checksum-sha256'];
  if (sent !== undefined && sent !== sha256Base64(request.body)) return errorAnswer(400, 'BadDigest');
  if (isConditional && behaviour.conditions === 'honoured' && currentVersion(bucket, request.key) !== undefined) {
    return errorAnswer(412, 'PreconditionFailed', [['Condition', 'If-None-Match']]);
  }
  return null;
}

/** Copies within the bucket; another bucket is one these keys may not read. */
function copyObject(request: S3Request, context: OperationContext): S3Answer {
  const { bucket, behaviour } = context;
  const [bucketName, ...parts] = decodeURIComponent(request.headers['x-amz-copy-source']!).split('/');
  if (bucketName !== bucket.name) return errorAnswer(403, 'AccessDenied');
  const source = currentVersion(bucket, parts.join('/'));
  if (source === undefined || source.bytes === null) return errorAnswer(404, 'NoSuchKey');
  const sha256 = request.headers['x-amz-checksum-algorithm'] === 'SHA256' ? sha256Base64(source.bytes) : undefined;
  addVersion(bucket, request.key, { bytes: source.bytes, sha256 });
  return answer(
    200,
    {},
    xmlDocument('CopyObjectResult', [
      ['ETag', `"${md5Hex(source.bytes)}"`],
      ['ChecksumSHA256', behaviour.checksums === 'echoed' ? sha256 : undefined],
    ]),
  );
}

function putObject(request: S3Request, context: OperationContext): S3Answer {
  if (request.headers['x-amz-copy-source'] !== undefined) return copyObject(request, context);
  const refusal = refuseWrite(request, context);
  if (refusal !== null) return refusal;
  const { bucket, behaviour, fault } = context;
  const sha256 = request.headers['x-amz-checksum-sha256'];
  const headers: Record<string, string> = { etag: `"${md5Hex(request.body)}"` };
  if (sha256 !== undefined && behaviour.checksums === 'echoed') headers['x-amz-checksum-sha256'] = sha256;
  if (fault?.kind === 'lose_put') {
    const kept = fault.keepBytes;
    if (kept !== undefined) addVersion(bucket, request.key, { bytes: request.body.subarray(0, kept) });
    return answer(200, headers);
  }
  const added = addVersion(bucket, request.key, { bytes: request.body, sha256 });
  if (added.id !== 'null') headers['x-amz-version-id'] = added.id;
  return answer(200, headers);
}

function getObject(request: S3Request, { bucket }: OperationContext): S3Answer {
  const wanted = request.query.get('versionId');
  const versions = bucket.objects.get(request.key) ?? [];
  const version = wanted === null ? versions.at(-1) : versions.find((one) => one.id === wanted);
  if (version === undefined) {
    if (wanted === null) return errorAnswer(404, 'NoSuchKey');
    return /^[0-9a-f]{24}$|^null$/.test(wanted)
      ? errorAnswer(404, 'NoSuchVersion')
      : errorAnswer(400, 'InvalidArgument');
  }
  if (version.bytes === null) {
    const status = wanted === null ? errorAnswer(404, 'NoSuchKey') : errorAnswer(405, 'MethodNotAllowed');
    Object.assign(status.headers, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': version.id });
    return status;
  }
  return rangeOf(version, version.bytes, request.headers['range']);
}

function rangeOf(version: BucketVersion, bytes: Buffer, range: string | undefined): S3Answer {
  const headers: Record<string, string> = {
    etag: `"${version.etag}"`,
    'last-modified': version.modifiedAt.toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': String(bytes.length),
  };
  if (version.id !== 'null') headers['x-amz-version-id'] = version.id;
  const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
  if (match === null) return answer(200, headers, bytes);
  const start = Number(match[1]);
  const end = Math.min(Number(match[2]) + 1, bytes.length);
  if (start >= bytes.length) return errorAnswer(416, 'InvalidRange');
  headers['content-range'] = `bytes ${start}-${end - 1}/${bytes.length}`;
  headers['content-length'] = String(end - start);
  return answer(206, headers, bytes.subarray(start, end));
}

function deleteObject(request: S3Request, { bucket }: OperationContext): S3Answer {
  const wanted = request.query.get('versionId');
  if (wanted !== null) {
    removeVersion(bucket, request.key, wanted);
    return answer(204, { 'x-amz-version-id': wanted });
  }
  if (bucket.versioning === null) {
    bucket.objects.delete(request.key);
    return answer(204);
  }
  // As in Amazon's, a marker is left even where nothing was.
  const marker = addVersion(bucket, request.key, { bytes: null });
  return answer(204, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker.id });
}

function versioned(operation: Operation): Operation {
  return (request, context) =>
    context.behaviour.versions ? operation(request, context) : errorAnswer(501, 'NotImplemented');
}
