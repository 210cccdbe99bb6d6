import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import type { LifecycleRule } from '@aws-sdk/client-s3';
import { isHoldfastError } from '../../model/errors.ts';
import type { VersioningState } from '../../ports/object-storage.ts';
import type { S3Connection } from './s3-client.ts';

const ruleName = 'holdfast-noncurrent-30d';
const noncurrentDays = 30;

/** Whether the bucket keeps versions; 'unknown' when the key may not ask. */
export async function readVersioning(connection: S3Connection, signal?: AbortSignal): Promise<VersioningState> {
  try {
    const answer = await connection.call({
      operation: 'GetBucketVersioning',
      signal,
      run: (client, options) => client.send(new GetBucketVersioningCommand({ Bucket: connection.bucket }), options),
    });
    return answer.Status === 'Enabled' ? 'on' : answer.Status === 'Suspended' ? 'suspended' : 'off';
  } catch (error) {
    if (isNotImplemented(error)) return 'unsupported';
    if (isHoldfastError(error, 'access_denied')) return 'unknown';
    throw error;
  }
}

/** Turns versions on and has prior ones expire after 30 days below `base`; rules that are there stay as they are. */
export async function turnVersioningOn(
  connection: S3Connection,
  base: string,
  signal?: AbortSignal,
): Promise<VersioningState> {
  const before = await readVersioning(connection, signal);
  if (before === 'unsupported') return before;
  try {
    if (before !== 'on') {
      const input = { Bucket: connection.bucket, VersioningConfiguration: { Status: 'Enabled' as const } };
      await connection.call({
        operation: 'PutBucketVersioning',
        signal,
        run: (client, options) => client.send(new PutBucketVersioningCommand(input), options),
      });
    }
  } catch (error) {
    if (isNotImplemented(error)) return 'unsupported';
    throw error;
  }
  try {
    await addExpiry(connection, base, signal);
  } catch (error) {
    // Versions without expiry cost space, not safety.
    if (!isNotImplemented(error)) throw error;
  }
  return readVersioning(connection, signal);
}

async function addExpiry(connection: S3Connection, base: string, signal?: AbortSignal): Promise<void> {
  const current = await readRules(connection, signal);
  // Each store in a bucket has a rule of its own. S3 takes 255 characters.
  const id = (base === '' ? ruleName : `${ruleName}-${base.slice(0, -1)}`).slice(0, 255);
  // A second rule for the same objects would shorten a longer period that somebody chose; one of this name that is
  // switched off was switched off by somebody.
  if (current.rules.some((rule) => rule.ID === id || expiresPriorVersionsOf(rule, base))) return;
  const rule: LifecycleRule = {
    ID: id,
    Status: 'Enabled',
    Filter: { Prefix: base },
    NoncurrentVersionExpiration: { NoncurrentDays: noncurrentDays },
  };
  const input = {
    Bucket: connection.bucket,
    TransitionDefaultMinimumObjectSize: current.minimumSize,
    LifecycleConfiguration: { Rules: [...current.rules, rule] },
  };
  await connection.call({
    operation: 'PutBucketLifecycleConfiguration',
    signal,
    run: (client, options) => client.send(new PutBucketLifecycleConfigurationCommand(input), options),
  });
}

/** The bucket's lifecycle rules; none where it has no such configuration. */
export async function readRules(connection: S3Connection, signal?: AbortSignal) {
  try {
    const answer = await connection.call({
      operation: 'GetBucketLifecycleConfiguration',
      signal,
      run: (client, options) =>
        client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: connection.bucket }), options),
    });
    return { rules: answer.Rules ?? [], minimumSize: answer.TransitionDefaultMinimumObjectSize };
  } catch (error) {
    // "No configuration" is a 404 of its own kind.
    if (isHoldfastError(error, 'object_missing')) return { rules: [], minimumSize: undefined };
    throw error;
  }
}

/** True for a rule that ends the time of prior versions of what lies below `base`. */
export function expiresPriorVersionsOf(rule: LifecycleRule, base: string): boolean {
  if (rule.Status !== 'Enabled' || rule.NoncurrentVersionExpiration === undefined) return false;
  const prefix = rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? rule.Prefix ?? '';
  const hasTag = rule.Filter?.Tag !== undefined || (rule.Filter?.And?.Tags?.length ?? 0) > 0;
  return !hasTag && (base.startsWith(prefix) || prefix.startsWith(base));
}

function isNotImplemented(error: unknown): boolean {
  return (
    isHoldfastError(error, 'storage_answer_invalid') &&
    (error.data['status'] === 501 || error.data['status'] === 405 || error.data['name'] === 'NotImplemented')
  );
}
