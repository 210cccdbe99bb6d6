import { createHash, randomBytes } from 'node:crypto';
import { addVersion, md5Hex, sha256Base64 } from './bucket.ts';
import type { BucketPart } from './bucket.ts';
import { answer, errorAnswer, refuseWrite } from './operations.ts';
import type { OperationContext, S3Answer, S3Request } from './operations.ts';
import { xmlDocument, xmlTexts } from './xml.ts';

const partSizeBytesMin = 5 << 20;

export function beginUpload(request: S3Request, context: OperationContext): S3Answer {
  const refusal = refuseWrite({ ...request, body: Buffer.alloc(0) }, context);
  if (refusal !== null) return refusal;
  const id = randomBytes(12).toString('hex');
  const hasChecksum = request.headers['x-amz-checksum-algorithm'] === 'SHA256';
  const { bucket } = context;
  bucket.uploads.set(id, { id, key: request.key, hasChecksum, initiatedAt: new Date(), parts: new Map() });
  return answer(
    200,
    {},
    xmlDocument('InitiateMultipartUploadResult', [
      ['Bucket', bucket.name],
      ['Key', request.key],
      ['UploadId', id],
    ]),
  );
}

export function putPart(request: S3Request, context: OperationContext): S3Answer {
  const upload = uploadOf(request, context);
  if (upload === undefined) return errorAnswer(404, 'NoSuchUpload');
  const refusal = refuseWrite(request, context);
  if (refusal !== null) return refusal;
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > 10_000) return errorAnswer(400, 'InvalidArgument');
  const etag = md5Hex(request.body);
  upload.parts.set(number, { bytes: request.body, etag });
  const headers: Record<string, string> = { etag: `"${etag}"` };
  const checksum = request.headers['x-amz-checksum-sha256'];
  if (checksum !== undefined && context.behaviour.checksums === 'echoed') headers['x-amz-checksum-sha256'] = checksum;
  return answer(200, headers);
}

export function completeUpload(request: S3Request, context: OperationContext): S3Answer {
  const upload = uploadOf(request, context);
  if (upload === undefined) return errorAnswer(404, 'NoSuchUpload');
  const refusal = refuseWrite({ ...request, body: Buffer.alloc(0), headers: conditionOf(request) }, context);
  if (refusal !== null) return refusal;
  const parts: BucketPart[] = [];
  let lastNumber = 0;
  for (const named of xmlTexts(request.body.toString(), 'Part')) {
    const number = Number(xmlTexts(named, 'PartNumber')[0]);
    const part = upload.parts.get(number);
    if (number <= lastNumber) return errorAnswer(400, 'InvalidPartOrder');
    if (part === undefined || xmlTexts(named, 'ETag')[0]?.replaceAll('"', '') !== part.etag) {
      return errorAnswer(400, 'InvalidPart');
    }
    const checksum = xmlTexts(named, 'ChecksumSHA256')[0];
    if (upload.hasChecksum && checksum !== sha256Base64(part.bytes)) return errorAnswer(400, 'InvalidPart');
    lastNumber = number;
    parts.push(part);
  }
  if (parts.length === 0) return errorAnswer(400, 'MalformedXML');
  if (parts.slice(0, -1).some((part) => part.bytes.length < partSizeBytesMin))
    return errorAnswer(400, 'EntityTooSmall');
  const etag = `${md5Hex(Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex'))))}-${parts.length}`;
  const digests = parts.map((part) => createHash('sha256').update(part.bytes).digest());
  const sha256 = upload.hasChecksum ? `${sha256Base64(Buffer.concat(digests))}-${parts.length}` : undefined;
  const { bucket, fault, behaviour } = context;
  if (fault?.kind !== 'lose_put')
    addVersion(bucket, upload.key, { bytes: Buffer.concat(parts.map((part) => part.bytes)), etag });
  bucket.uploads.delete(upload.id);
  return answer(
    200,
    {},
    xmlDocument('CompleteMultipartUploadResult', [
      ['Bucket', bucket.name],
      ['Key', upload.key],
      ['ETag', `"${etag}"`],
      ['ChecksumSHA256', behaviour.checksums === 'echoed' ? sha256 : undefined],
    ]),
  );
}

export function abortUpload(request: S3Request, context: OperationContext): S3Answer {
  const upload = uploadOf(request, context);
  if (upload === undefined) return errorAnswer(404, 'NoSuchUpload');
  context.bucket.uploads.delete(upload.id);
  return answer(204);
}

function uploadOf(request: S3Request, { bucket }: OperationContext) {
  const upload = bucket.uploads.get(request.query.get('uploadId') ?? '');
  return upload?.key === request.key ? upload : undefined;
}

function conditionOf(request: S3Request): Record<string, string | undefined> {
  return { 'if-none-match': request.headers['if-none-match'] };
}
