import { drillComponents } from '../model/drill-report.ts';
import { alertKinds } from '../model/alert.ts';
import { type Label, type Sha256, isSha256, isSnapshotId, labelProblem } from '../model/ids.ts';
import type { IndexEvent, IndexRow } from '../model/index-row.ts';
import { sha256Of } from './digest.ts';
import { encodeJsonBytes } from './json-bytes.ts';
import { byteString, checked, count, duration, flag, instant, list } from './json-shape.ts';
import { nullable, object, oneOf, optional, type Shape, ShapeError, text, textLike } from './json-shape.ts';
import { lineJson } from './pretty-json.ts';
import { isPackKey, isPlainId } from './store-layout.ts';

/** Version of the lines this code writes, and the newest it reads. */
export const indexLineVersion = 1;

/** The place of a row in its machine's chain. */
export interface ChainLink {
  readonly machine: string;
  readonly sequence: number;
  readonly previous: Sha256 | null;
  readonly checksum: Sha256;
}

/** What one line turned out to be. */
export type DecodedIndexLine =
  | { readonly kind: 'row'; readonly row: IndexRow }
  /** Whole and genuine, but of an event or version this holdfast does not know. Its link still counts. */
  | { readonly kind: 'unknown'; readonly link: ChainLink | null; readonly reason: string }
  | { readonly kind: 'damaged'; readonly reason: string };

// `,"sum":"` + 64 digits + `"}`
const sumStart = ',"sum":"';
const tailLength = sumStart.length + 64 + 2;

/**
 * Encodes one row as a line: JSON and a final newline. The last key, `sum`, is the SHA-256 of all bytes of the line before
 * `,"sum"`, so a line that was cut, joined or edited shows.
 */
export function encodeIndexLine(row: Omit<IndexRow, 'checksum'>): { line: Buffer; checksum: Sha256 } {
  const { at, machine, user, sequence, previous, event } = row;
  const body = lineJson({
    v: indexLineVersion,
    at,
    machine,
    user,
    seq: sequence,
    prev: previous,
    ...eventDocument(event),
  }).slice(0, -1);
  const checksum = sha256Of(Buffer.from(body, 'utf8'));
  return { line: Buffer.from(`${body}${sumStart}${checksum}"}\n`, 'utf8'), checksum };
}

/** Decodes one line, given without its line end. Never throws: a bad line must not hide the good ones around it. */
export function decodeIndexLine(line: Uint8Array): DecodedIndexLine {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const bodyEnd = bytes.length - tailLength;
  const tail = bodyEnd > 0 ? bytes.toString('latin1', bodyEnd) : '';
  const checksum = tail.slice(sumStart.length, -2);
  if (!tail.startsWith(sumStart) || !tail.endsWith('"}') || !isSha256(checksum)) {
    return { kind: 'damaged', reason: 'not a whole row' };
  }
  if (sha256Of(bytes.subarray(0, bodyEnd)) !== checksum)
    return { kind: 'damaged', reason: 'its checksum does not match' };
  return decodeBody(bytes.toString('utf8', 0, bodyEnd), checksum);
}

function decodeBody(body: string, checksum: Sha256): DecodedIndexLine {
  try {
    const document: unknown = JSON.parse(`${body}}`);
    const { v } = versionField(document);
    if (v > indexLineVersion) return { kind: 'unknown', link: null, reason: 'written by a newer holdfast' };
    const { at, machine, user, seq: sequence, prev: previous, event: name } = linkFields(document);
    const link = { machine, sequence, previous, checksum };
    const shape = Object.hasOwn(eventShapes, name) ? eventShapes[name as IndexEvent['event']] : undefined;
    if (shape === undefined) return { kind: 'unknown', link, reason: `an event this version does not know (${name})` };
    return { kind: 'row', row: { at, user, ...link, event: shape(document) } };
  } catch (error) {
    // The checksum held, so somebody wrote this on purpose; it is still nothing we can use.
    const reason = error instanceof ShapeError ? error.message : 'not JSON';
    return { kind: 'damaged', reason };
  }
}

function eventDocument(event: IndexEvent): object {
  if (event.event === 'purge') return { ...event, paths: event.paths.map(encodeJsonBytes) };
  return event.event === 'restore' ? { ...event, path: encodeJsonBytes(event.path) } : event;
}

const versionField = object<{ v: number }>({
  v: checked((value): value is number => Number.isSafeInteger(value) && (value as number) >= 1, 'a version'),
});

const sha256 = checked(isSha256, 'a SHA-256');
const id = checked(isSnapshotId, 'a snapshot id');
const anyText = text(64 * 1024);

const label: Shape<Label> = (value) => {
  const problem = labelProblem(value);
  if (problem !== null) throw new ShapeError(`not a label, ${problem}`);
  return value as Label;
};

interface LinkFields {
  readonly at: string;
  readonly machine: string;
  readonly user: string;
  readonly seq: number;
  readonly prev: Sha256 | null;
  readonly event: string;
}

const linkFields = object<LinkFields>({
  at: instant,
  machine: checked(isPlainId, 'a machine id'),
  user: text(1000),
  seq: checked((value): value is number => Number.isSafeInteger(value) && (value as number) >= 1, 'a sequence number'),
  prev: nullable(sha256),
  event: textLike(/^[a-z][a-z0-9_-]{0,63}$/, 'the name of an event'),
});

type EventOf<Name extends IndexEvent['event']> = Extract<IndexEvent, { event: Name }>;

const eventShapes: { readonly [Name in IndexEvent['event']]: Shape<EventOf<Name>> } = {
  snapshot: object<EventOf<'snapshot'>>({
    event: oneOf(['snapshot']),
    id,
    label,
    kind: oneOf(['manual', 'auto', 'pre-rollback', 'run']),
    takenAt: instant,
    where: oneOf(['store', 'local']),
    complete: flag,
    files: count,
    sizeBytes: count,
    storedBytes: count,
    added: count,
    changed: count,
    removed: count,
    durationMs: duration,
    recordSha256: sha256,
    rebuilt: optional(flag),
  }),
  published: object<EventOf<'published'>>({ event: oneOf(['published']), id, recordSha256: sha256 }),
  restore: object<EventOf<'restore'>>({
    event: oneOf(['restore']),
    id,
    path: byteString(64 * 1024),
    into: anyText,
    files: count,
    sizeBytes: count,
    complete: flag,
    durationMs: duration,
  }),
  rollback: object<EventOf<'rollback'>>({
    event: oneOf(['rollback']),
    outcome: oneOf(['done', 'aborted']),
    id,
    safety: id,
    startedAt: instant,
    changed: count,
    broughtBack: count,
    setAside: count,
    leftAlone: count,
    into: anyText,
    undo: anyText,
  }),
  verify: object<EventOf<'verify'>>({
    event: oneOf(['verify']),
    store: optional(anyText),
    depth: oneOf(['quick', 'new', 'full', 'sample']),
    snapshots: count,
    packs: count,
    readBytes: count,
    findings: count,
    durationMs: duration,
    proved: list(checked(isPackKey, 'the key of a pack'), 1_000_000),
  }),
  drill: object<EventOf<'drill'>>({
    event: oneOf(['drill']),
    id,
    method: oneOf(['holdfast', 'git']),
    passed: flag,
    components: list(
      object<EventOf<'drill'>['components'][number]>({
        component: oneOf([...drillComponents]),
        outcome: oneOf(['passed', 'failed', 'none', 'skipped']),
      }),
      drillComponents.length,
    ),
    files: count,
    sizeBytes: count,
    rtoMs: duration,
    rtoTargetMs: duration,
    rpoMs: duration,
    rpoTargetMs: duration,
    durationMs: duration,
    report: anyText,
  }),
  replicate: object<EventOf<'replicate'>>({
    event: oneOf(['replicate']),
    replica: anyText,
    snapshots: count,
    objects: count,
    copiedBytes: count,
    damaged: count,
    complete: flag,
    durationMs: duration,
  }),
  repair: object<EventOf<'repair'>>({
    event: oneOf(['repair']),
    source: anyText,
    repaired: count,
    beyond: count,
    snapshots: count,
    durationMs: duration,
  }),
  live: object<EventOf<'live'>>({ event: oneOf(['live']), id, written: count, deleted: count, leftOut: count }),
  export: object<EventOf<'export'>>({ event: oneOf(['export']), id, sizeBytes: count }),
  init: object<EventOf<'init'>>({
    event: oneOf(['init']),
    store: anyText,
    vaultId: checked(isPlainId, 'a vault id'),
    versioning: text(64),
  }),
  key: object<EventOf<'key'>>({
    event: oneOf(['key']),
    action: oneOf(['create', 'add', 'remove', 'rotate', 'master']),
    name: text(100),
    generation: count,
  }),
  reindex: object<EventOf<'reindex'>>({ event: oneOf(['reindex']), snapshots: count, added: count }),
  pin: object<EventOf<'pin'>>({ event: oneOf(['pin']), id, pinned: flag, reason: anyText }),
  prune: object<EventOf<'prune'>>({
    event: oneOf(['prune']),
    plan: text(200),
    kept: count,
    dropped: count,
    condemnedBytes: count,
    writtenBytes: count,
    deletedBytes: count,
  }),
  alert: object<EventOf<'alert'>>({
    event: oneOf(['alert']),
    kind: oneOf(alertKinds),
    severity: oneOf(['warning', 'critical']),
    text: text(4096),
    delivered: list(text(64), 100),
    failed: list(text(4096), 100),
  }),
  burst: object<EventOf<'burst'>>({
    event: oneOf(['burst']),
    lastGood: id,
    removed: count,
    rewritten: count,
    filesBefore: count,
  }),
  burst_resolved: object<EventOf<'burst_resolved'>>({
    event: oneOf(['burst_resolved']),
    by: oneOf(['rescue', 'prune']),
  }),
  purge: object<EventOf<'purge'>>({
    event: oneOf(['purge']),
    plan: text(200),
    paths: list(byteString(64 * 1024), 10_000),
    snapshots: count,
    objects: count,
    stillNeeded: count,
    condemnedBytes: count,
    deletedBytes: count,
    deletedVersions: count,
  }),
  spool_damaged: object<EventOf<'spool_damaged'>>({
    event: oneOf(['spool_damaged']),
    directory: anyText,
    reason: anyText,
  }),
};
