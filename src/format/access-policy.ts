/** Who may do what to a store in a bucket. */
export type AccessRole = 'writer' | 'pruner' | 'reader';

export const accessRoles: readonly AccessRole[] = ['writer', 'pruner', 'reader'];

const reading = ['s3:GetObject', 's3:GetObjectVersion'];
const looking = ['s3:ListBucket', 's3:ListBucketVersions', 's3:GetBucketVersioning', 's3:GetLifecycleConfiguration'];
const writing = ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'];

/**
 * The policy with the least rights for a role, as AWS and compatible storages read it. A writer takes snapshots and cannot
 * delete anything: what steals its key cannot destroy what is there. A pruner deletes too; a reader restores and verifies.
 */
export function accessPolicy(role: AccessRole, place: { bucket: string; prefix: string }): Record<string, unknown> {
  const bucket = `arn:aws:s3:::${place.bucket}`;
  const objects = `${bucket}/${place.prefix === '' ? '' : `${place.prefix}/`}*`;
  const onObjects = {
    reader: reading,
    writer: [...reading, ...writing],
    pruner: [...reading, ...writing, 's3:DeleteObject'],
  }[role];
  const onBucket = role === 'reader' ? looking : [...looking, 's3:ListBucketMultipartUploads'];
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'HoldfastObjects', Effect: 'Allow', Action: onObjects, Resource: objects },
      { Sid: 'HoldfastBucket', Effect: 'Allow', Action: onBucket, Resource: bucket },
    ],
  };
}
