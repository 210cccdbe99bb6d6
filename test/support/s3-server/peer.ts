import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';

/** A real S3 server to run the same tests against, from HOLDFAST_TEST_S3_ENDPOINT, _ACCESS_KEY and _SECRET_KEY. */
export interface S3Peer {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Null when the variables are not set. */
export function s3PeerFromEnvironment(): S3Peer | null {
  const endpoint = process.env['HOLDFAST_TEST_S3_ENDPOINT'];
  const accessKeyId = process.env['HOLDFAST_TEST_S3_ACCESS_KEY'];
  const secretAccessKey = process.env['HOLDFAST_TEST_S3_SECRET_KEY'];
  if (!endpoint || !accessKeyId || !secretAccessKey) return null;
  return { endpoint, credentials: { accessKeyId, secretAccessKey } };
}

/** Creates a bucket that keeps versions and returns its name. */
export async function createPeerBucket(peer: S3Peer): Promise<string> {
  const bucket = `holdfast-test-${randomBytes(6).toString('hex')}`;
  const client = new S3Client({ ...peer, region: 'us-east-1', forcePathStyle: true });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    await client.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
  } finally {
    client.destroy();
  }
  return bucket;
}
