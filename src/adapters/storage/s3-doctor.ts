import { GetObjectLockConfigurationCommand, type LifecycleRule, PutObjectCommand } from '@aws-sdk/client-s3';
import { isHoldfastError } from '../../model/errors.ts';
import type { StorageFacts } from '../../ports/object-storage.ts';
import type { S3Context } from './s3-context.ts';
import { expiresPriorVersionsOf, readRules } from './s3-versioning.ts';

/** What only an S3 bucket can be asked; throw-away keys below `probePrefix` are left for the caller to delete. */
export async function inspectBucket(
  context: S3Context,
  at: { readonly base: string; readonly probePrefix: string; readonly signal?: AbortSignal | undefined },
): Promise<StorageFacts> {
  const conditional = (name: string, value: string): Promise<StorageFacts['conditionalCreate']> =>
    probeCondition(context, { key: `${at.base}${at.probePrefix}${name}`, value, signal: at.signal });
  return {
    conditionalCreate: await conditional('condition', '*'),
    conditionalCreateQuoted: await conditional('condition-quoted', '"*"'),
    takesChecksums: context.capabilities.sendsChecksums,
    ...(await judgeRules(context, at.base, at.signal)),
    objectLock: await readObjectLock(context, at.signal),
  };
}

/** Creates one key twice: heeded when the second is refused, ignored when both succeed, refused when neither does. */
async function probeCondition(
  { connection }: S3Context,
  at: { key: string; value: string; signal: AbortSignal | undefined },
): Promise<StorageFacts['conditionalCreate']> {
  const create = async (): Promise<'done' | 'taken' | 'refused'> => {
    const input = { Bucket: connection.bucket, Key: at.key, Body: Buffer.from('probe'), IfNoneMatch: at.value };
    try {
      await connection.call({
        operation: 'PutObject',
        signal: at.signal,
        run: (client, options) => client.send(new PutObjectCommand(input), options),
      });
      return 'done';
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      if (error.data['status'] === 412 || error.data['status'] === 409) return 'taken';
      if (error.kind === 'storage' && [400, 501, 405].includes(Number(error.data['status']))) return 'refused';
      throw error;
    }
  };
  if ((await create()) !== 'done') return 'refused';
  return (await create()) === 'taken' ? 'heeded' : 'ignored';
}

/** Which rules would delete or move away current objects of the store (S17), and how long prior versions stay. */
async function judgeRules(
  { connection }: S3Context,
  base: string,
  signal: AbortSignal | undefined,
): Promise<Pick<StorageFacts, 'expiringRules' | 'keepsVersionsDays'>> {
  try {
    const { rules } = await readRules(connection, signal);
    const days = rules
      .filter((rule) => expiresPriorVersionsOf(rule, base))
      .flatMap((rule) => rule.NoncurrentVersionExpiration?.NoncurrentDays ?? []);
    return {
      expiringRules: rules.filter((rule) => isHarmful(rule, base)).map(({ ID }) => ID ?? '(unnamed)'),
      keepsVersionsDays: days.length === 0 ? null : Math.min(...days),
    };
  } catch (error) {
    if (isHoldfastError(error)) return { expiringRules: null, keepsVersionsDays: null };
    throw error;
  }
}

function isHarmful(rule: LifecycleRule, base: string): boolean {
  if (rule.Status !== 'Enabled') return false;
  const prefix = rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? rule.Prefix ?? '';
  if (!base.startsWith(prefix) && !prefix.startsWith(base)) return false;
  const isExpiring = rule.Expiration?.Days !== undefined || rule.Expiration?.Date !== undefined;
  return isExpiring || (rule.Transitions?.length ?? 0) > 0;
}

async function readObjectLock(
  { connection }: S3Context,
  signal: AbortSignal | undefined,
): Promise<StorageFacts['objectLock']> {
  try {
    const answer = await connection.call({
      operation: 'GetObjectLockConfiguration',
      signal,
      run: (client, options) =>
        client.send(new GetObjectLockConfigurationCommand({ Bucket: connection.bucket }), options),
    });
    const retention = answer.ObjectLockConfiguration?.Rule?.DefaultRetention;
    const days = retention?.Days ?? (retention?.Years === undefined ? undefined : retention.Years * 365);
    return { state: 'on', defaultDays: days ?? null };
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return { state: isHoldfastError(error, 'access_denied') ? 'unknown' : 'off', defaultDays: null };
  }
}
