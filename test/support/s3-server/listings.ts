import { currentVersion, keysBelow } from './bucket.ts';
import { answer } from './operations.ts';
import type { OperationContext, S3Answer, S3Request } from './operations.ts';
import { xmlDocument } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** ListObjectsV2. The continuation token is the last key, in base64. */
export function listObjects(request: S3Request, { bucket, fault }: OperationContext): S3Answer {
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  let objects = keysBelow(bucket, prefix).flatMap((key) => {
    const version = currentVersion(bucket, key);
    return version === undefined || key <= after ? [] : [{ key, version }];
  });
  if (fault?.kind === 'stale_list') {
    const newest = objects.toSorted((a, b) => b.version.modifiedAt.getTime() - a.version.modifiedAt.getTime());
    const hidden = new Set(newest.slice(0, fault.hideCount).map(({ key }) => key));
    objects = objects.filter(({ key }) => !hidden.has(key));
  }
  const pageSize = pageSizeOf(query);
  const page = objects.slice(0, pageSize);
  const last = page.at(-1)?.key ?? after;
  let isTruncated = objects.length > page.length;
  let next = isTruncated ? Buffer.from(last).toString('base64url') : undefined;
  if (fault?.kind === 'truncated_list') {
    isTruncated = true;
    next = { none: undefined, same: 'again', new: Buffer.from(last).toString('base64url') }[fault.token];
  }
  const children: XmlElement[] = [
    ['Name', bucket.name],
    ['Prefix', encode(query, prefix)],
    ['KeyCount', page.length],
    ['MaxKeys', pageSize],
    ['EncodingType', query.get('encoding-type') ?? undefined],
    ['IsTruncated', isTruncated],
    ['NextContinuationToken', next],
    ...page.map(({ key, version }): XmlElement => [
      'Contents',
      [
        ['Key', encode(query, key)],
        ['LastModified', version.modifiedAt.toISOString()],
        ['ETag', `"${version.etag}"`],
        ['Size', version.bytes?.length ?? 0],
      ],
    ]),
  ];
  return answer(200, {}, xmlDocument('ListBucketResult', children));
}

/** ListObjectVersions: newest first within a key, markers among versions. */
export function listVersions(request: S3Request, { bucket }: OperationContext): S3Answer {
  const { query } = request;
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('version-id-marker');
  const all = keysBelow(bucket, query.get('prefix') ?? '').flatMap((key) =>
    (bucket.objects.get(key) ?? []).toReversed().map((version, age) => ({ key, version, isLatest: age === 0 })),
  );
  const markerAt = all.findIndex(({ key, version }) => key === keyMarker && version.id === idMarker);
  const rest = markerAt >= 0 ? all.slice(markerAt + 1) : all.filter(({ key }) => key > keyMarker);
  const page = rest.slice(0, pageSizeOf(query));
  const last = page.at(-1);
  const isTruncated = rest.length > page.length;
  const children: XmlElement[] = [
    ['Name', bucket.name],
    ['EncodingType', query.get('encoding-type') ?? undefined],
    ['IsTruncated', isTruncated],
    ['NextKeyMarker', isTruncated && last !== undefined ? encode(query, last.key) : undefined],
    ['NextVersionIdMarker', isTruncated ? last?.version.id : undefined],
    ...page.map(({ key, version, isLatest }): XmlElement => [
      version.bytes === null ? 'DeleteMarker' : 'Version',
      [
        ['Key', encode(query, key)],
        ['VersionId', version.id],
        ['IsLatest', isLatest],
        ['LastModified', version.modifiedAt.toISOString()],
        ['ETag', version.bytes === null ? undefined : `"${version.etag}"`],
        ['Size', version.bytes?.length],
      ],
    ]),
  ];
  return answer(200, {}, xmlDocument('ListVersionsResult', children));
}

/** ListMultipartUploads, on one page. */
export function listUploads(request: S3Request, { bucket }: OperationContext): S3Answer {
  const prefix = request.query.get('prefix') ?? '';
  const uploads = [...bucket.uploads.values()].filter((upload) => upload.key.startsWith(prefix));
  uploads.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  const children: XmlElement[] = [
    ['Bucket', bucket.name],
    ['IsTruncated', false],
    ...uploads.map((upload): XmlElement => [
      'Upload',
      [
        ['Key', upload.key],
        ['UploadId', upload.id],
        ['Initiated', upload.initiatedAt.toISOString()],
      ],
    ]),
  ];
  return answer(200, {}, xmlDocument('ListMultipartUploadsResult', children));
}

function pageSizeOf(query: URLSearchParams): number {
  return Math.min(1000, Number(query.get('max-keys') ?? 1000));
}

function encode(query: URLSearchParams, key: string): string {
  if (query.get('encoding-type') !== 'url') return key;
  return encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+');
}
