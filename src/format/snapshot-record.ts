import { type SnapshotId, isObjectId, isSha256, isSnapshotId, labelProblem } from '../model/ids.ts';
import type { Label } from '../model/ids.ts';
import { HoldfastError } from '../model/errors.ts';
import type { LedgerEntry, LedgerReason, Notice, NoticeCode, Problem, ProblemCode } from '../model/problem.ts';
import type { GitRef, GitState, SnapshotCounts, SnapshotRecord } from '../model/snapshot.ts';
import { encodeJsonBytes } from './json-bytes.ts';
import { byteString, checked, count, duration, flag, instant, list } from './json-shape.ts';
import { nullable, object, oneOf, optional, type Shape, ShapeError, slug, text, textLike } from './json-shape.ts';
import { packShape } from './pack-shape.ts';
import { prettyJson } from './pretty-json.ts';
import { addSum, hasRightSum } from './sum-json.ts';
import { isPlainId } from './store-layout.ts';

/** Version of the record this code writes, and the newest it reads. */
export const recordFormat = 1;

/** Largest record, in bytes: what a reader may fetch into memory before it has checked anything. */
export const recordSizeBytesMax = 16 * 1024 * 1024;

const listCountMax = 1_000_000;
const pathBytesMax = 64 * 1024;

/**
 * Encodes a record as published: UTF-8 JSON for people as much as for programs, `"format"` first, `"sum"` last, a stable
 * order of keys, one row of a list a line. The same record always gives the same bytes.
 * @throws {HoldfastError} `record_invalid` for a record that `decodeRecord` would refuse, so that none is ever published
 */
export function encodeRecord(record: SnapshotRecord): Uint8Array {
  const bytes = Buffer.from(addSum(prettyJson({ format: recordFormat, ...documentOf(record) })), 'utf8');
  decodeRecord(bytes, record.id);
  return bytes;
}

/**
 * Decodes the record found under the key of `expectedId`. Records are hostile input: every field is checked and
 * everything derived from them (keys, paths, sizes) uses checked values only. Unknown keys are ignored.
 * @throws {HoldfastError} `record_invalid` naming the field; `store_newer` when written by a newer holdfast
 */
export function decodeRecord(bytes: Uint8Array, expectedId: SnapshotId): SnapshotRecord {
  try {
    const document = parseDocument(bytes);
    const { format } = formatField(document);
    if (format > recordFormat) throw newerRecord(expectedId, format);
    const record = recordFields(document);
    if (record.id !== expectedId) throw new ShapeError('not the id it is stored under').within('id');
    return record;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new HoldfastError('record_invalid', `The record of snapshot ${expectedId} is not valid: ${error.message}.`, {
      hint: 'Other snapshots are not affected. Run holdfast verify to see what else is damaged.',
      data: { id: expectedId, field: error.field, reason: error.reason },
    });
  }
}

function parseDocument(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new ShapeError('it is empty');
  if (bytes.length > recordSizeBytesMax) throw new ShapeError(`it is larger than ${recordSizeBytesMax} bytes`);
  if (!hasRightSum(bytes)) throw new ShapeError('its bytes are not those of its checksum');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    // The parser's message would quote bytes of the document.
    throw new ShapeError('it is not JSON');
  }
}

function newerRecord(id: SnapshotId, format: number): HoldfastError {
  return new HoldfastError('store_newer', `Snapshot ${id} needs a holdfast that reads record format ${format}.`, {
    hint: `This one reads formats up to ${recordFormat}. Install a newer holdfast; nothing was changed.`,
    data: { id, format, supported: recordFormat },
  });
}

/** The record with its keys in their published order. */
function documentOf(record: SnapshotRecord): Record<string, unknown> {
  const { vault, machine, chain, counts, git } = record;
  return {
    id: record.id,
    label: record.label,
    kind: record.kind,
    takenAt: record.takenAt,
    durationMs: record.durationMs,
    complete: record.complete,
    commit: record.commit,
    tree: record.tree,
    metadata: record.metadata,
    vault: { id: vault.id, name: vault.name },
    machine: { id: machine.id, name: machine.name, user: machine.user },
    writer: record.writer,
    base: record.base,
    chain: { sequence: chain.sequence, previous: chain.previous },
    counts: inOrder(counts, countKeys),
    packs: record.packs.map((pack) => inOrder(pack, packKeys)),
    problems: record.problems.map(({ path, code, message }) => ({ path: encodeJsonBytes(path), code, message })),
    notices: record.notices.map((notice) => ({ code: notice.code, message: notice.message, count: notice.count })),
    ledger: record.ledger.map(({ path, ...rest }) => ({ path: encodeJsonBytes(path), ...inOrder(rest, ledgerKeys) })),
    git: git === null ? null : gitDocument(git),
  };
}

function gitDocument(git: GitState): Record<string, unknown> {
  return {
    head: git.head,
    branch: git.branch === null ? null : encodeJsonBytes(git.branch),
    historyComplete: git.historyComplete,
    operations: git.operations,
    // The id comes first because it has one width: RESTORE.md reads these lines with sed.
    refs: git.refs.map(({ id, name }) => ({ id, name: encodeJsonBytes(name) })),
    extraRoots: git.extraRoots,
    shallow: git.shallow,
  };
}

function inOrder<T extends object>(value: T, keys: readonly (keyof T)[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, value[key]]));
}

const countKeys = ['files', 'folders', 'links', 'sizeBytes', 'added', 'changed', 'removed', 'storedBytes'] as const;
const packKeys = ['key', 'sizeBytes', 'sha256', 'indexSizeBytes', 'indexSha256', 'objectCount'] as const;
const ledgerKeys = ['reason', 'source', 'fileCount', 'sizeBytes', 'atLeast'] as const;

const objectId = checked(isObjectId, 'an object id');
const sha256 = checked(isSha256, 'a SHA-256');
const snapshotId = checked(isSnapshotId, 'a snapshot id');
const plainId = checked(isPlainId, 'an id of [a-z0-9-]');
const path = byteString(pathBytesMax);
const name = text(1000);
const sentence = text(4000);

const label: Shape<Label> = (value) => {
  const problem = labelProblem(value);
  if (problem !== null) throw new ShapeError(`not a label, ${problem}`);
  return value as Label;
};

const counts = object<SnapshotCounts>({
  files: count,
  folders: count,
  links: count,
  sizeBytes: count,
  added: count,
  changed: count,
  removed: count,
  storedBytes: count,
});

const ledgerEntry = object<LedgerEntry>({
  path,
  reason: slug<LedgerReason>(),
  source: sentence,
  fileCount: count,
  sizeBytes: count,
  atLeast: flag,
});

const gitState = object<GitState>({
  head: nullable(objectId),
  branch: nullable(path),
  refs: list(object<GitRef>({ name: path, id: objectId }), listCountMax),
  extraRoots: list(objectId, listCountMax),
  shallow: list(objectId, listCountMax),
  operations: list(textLike(/^[a-z][a-z-]{0,63}$/, 'the name of an operation'), 100),
  historyComplete: flag,
});

const formatField = object<{ format: number }>({
  format: checked((value): value is number => Number.isSafeInteger(value) && (value as number) >= 1, 'a version'),
});

const recordFields = object<SnapshotRecord>({
  id: snapshotId,
  label,
  kind: oneOf(['manual', 'auto', 'pre-rollback', 'run']),
  takenAt: instant,
  durationMs: duration,
  vault: object<SnapshotRecord['vault']>({ id: plainId, name }),
  machine: object<SnapshotRecord['machine']>({ id: plainId, name, user: name }),
  writer: name,
  commit: objectId,
  tree: objectId,
  metadata: objectId,
  packs: list(packShape, listCountMax),
  base: nullable(snapshotId),
  chain: object<SnapshotRecord['chain']>({ sequence: count, previous: nullable(sha256) }),
  counts,
  complete: flag,
  problems: list(object<Problem>({ path, code: slug<ProblemCode>(), message: sentence }), listCountMax),
  notices: list(object<Notice>({ code: slug<NoticeCode>(), message: sentence, count: optional(count) }), listCountMax),
  ledger: list(ledgerEntry, listCountMax),
  git: nullable(gitState),
});
