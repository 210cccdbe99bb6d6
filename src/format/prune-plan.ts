import { HoldfastError } from '../model/errors.ts';
import { isSha256, isSnapshotId } from '../model/ids.ts';
import type { CondemnedPack, PrunePlan } from '../model/prune-plan.ts';
import type { PackRef } from '../model/snapshot.ts';
import { checked, count, instant, list, object, oneOf, ShapeError, text } from './json-shape.ts';
import { packShape } from './pack-shape.ts';
import { prettyJson } from './pretty-json.ts';
import { condemnedKey, isPackKey, parseStoreKey } from './store-layout.ts';
import { addSum, hasRightSum } from './sum-json.ts';

/** Version of the plans this code writes, and the newest it reads. */
export const prunePlanFormat = 1;

/** Largest plan in bytes, for readers. */
export const prunePlanBytesMax = 128 * 1024 * 1024;

/** Encodes a plan. The same plan always gives the same bytes. */
export function encodePrunePlan(plan: PrunePlan): Uint8Array {
  const document = {
    format: prunePlanFormat,
    plan: plan.plan,
    kind: plan.kind,
    at: plan.at,
    machine: plan.machine,
    user: plan.user,
    dropped: plan.dropped.map(({ id, recordSha256 }) => ({ id, recordSha256 })),
    packs: plan.packs.map(packDocument),
    condemned: plan.condemned.map(condemnedDocument),
    leftovers: plan.leftovers,
  };
  return Buffer.from(addSum(prettyJson(document)), 'utf8');
}

/**
 * Decodes the plan found under the key of `name`.
 * @throws {HoldfastError} `record_invalid` naming the field; `store_newer` when written by a newer holdfast
 */
export function decodePrunePlan(bytes: Uint8Array, name: string): PrunePlan {
  try {
    if (bytes.length > prunePlanBytesMax) throw new ShapeError('it is too large');
    if (!hasRightSum(bytes)) throw new ShapeError('its bytes are not those of its checksum');
    const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const { format } = formatField(document);
    if (format > prunePlanFormat) throw newerPlan(name, format);
    const plan = planFields(document);
    if (plan.plan !== name) throw new ShapeError('not the name it is stored under').within('plan');
    return plan;
  } catch (error) {
    if (!(error instanceof ShapeError) && !(error instanceof SyntaxError)) throw error;
    const reason = error instanceof ShapeError ? error.message : 'it is not JSON';
    throw new HoldfastError('record_invalid', `The prune plan ${name} in the store is not valid: ${reason}.`, {
      hint: 'Bring back the earlier version of that object. Until then nothing is pruned.',
      data: { plan: name, reason },
    });
  }
}

function newerPlan(name: string, format: number): HoldfastError {
  return new HoldfastError('store_newer', `The prune plan ${name} needs a holdfast that reads format ${format}.`, {
    hint: `This one reads formats up to ${prunePlanFormat}. Install a newer holdfast; nothing was changed.`,
    data: { plan: name, format, supported: prunePlanFormat },
  });
}

function packDocument(pack: PackRef): Record<string, unknown> {
  const { key, sizeBytes, sha256, indexSizeBytes, indexSha256, objectCount } = pack;
  return { key, sizeBytes, sha256, indexSizeBytes, indexSha256, objectCount };
}

function condemnedDocument({ key, sizeBytes, indexSizeBytes, indexSha256 }: CondemnedPack): Record<string, unknown> {
  return { key, sizeBytes, indexSizeBytes, indexSha256 };
}

const listCountMax = 1_000_000;
const name = text(1000);
const sha256 = checked(isSha256, 'a SHA-256');

const formatField = object<{ format: number }>({
  format: checked((value): value is number => Number.isSafeInteger(value) && (value as number) >= 1, 'a version'),
});

const planFields = object<PrunePlan>({
  plan: checked((value): value is string => isPlanName(value), 'the name of a plan'),
  kind: oneOf(['prune', 'purge']),
  at: instant,
  machine: name,
  user: name,
  dropped: list(
    object<PrunePlan['dropped'][number]>({ id: checked(isSnapshotId, 'a snapshot id'), recordSha256: sha256 }),
    listCountMax,
  ),
  packs: list(packShape, listCountMax),
  condemned: list(
    object<CondemnedPack>({
      key: checked(isPackKey, 'the key of a pack'),
      sizeBytes: count,
      indexSizeBytes: count,
      indexSha256: sha256,
    }),
    listCountMax,
  ),
  leftovers: list(checked(isLeftover, 'the key of a pack, index or mark'), listCountMax),
});

function isPlanName(value: unknown): value is string {
  return typeof value === 'string' && parseStoreKey(condemnedKey(value))?.kind === 'condemned';
}

function isLeftover(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const kind = parseStoreKey(value)?.kind;
  return kind === 'pack' || kind === 'index' || kind === 'mark';
}
