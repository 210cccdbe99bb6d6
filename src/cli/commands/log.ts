import { type CommitHistory, type CommitTouch, commitsMax, readCommitHistory } from '../../engine/commit-history.ts';
import { pathUnknown } from '../../engine/find-path.ts';
import { readObjectSizes } from '../../engine/object-sizes.ts';
import { type PathVersion, readPathHistory } from '../../engine/path-history.ts';
import { openTreeReader } from '../../engine/read-tree.ts';
import { displayName, displayText, jsonPath } from '../../format/display-name.ts';
import { formatAge } from '../../format/duration.ts';
import { formatCount, formatSize } from '../../format/size.ts';
import { textOfByteString } from '../../lib/bytes.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOfKind, exitCodes } from '../exit-codes.ts';
import { openPoints, type PointsAtHand } from '../points-at-hand.ts';
import { truncateToWidth } from '../../format/text-width.ts';

export const command: Command = {
  name: 'log',
  summary: 'list every distinct version of a file',
  description: [
    'Lists every version of one file or folder over all restore points, newest first, also when it is no longer there; and the ' +
      "commits of the vault's own git history that changed it, where the store holds that history.",
  ],
  arguments: [{ name: '<path>', summary: 'the file or folder' }],
  options: [
    { flags: '-n, --limit <count>', summary: 'only the newest ones' },
    { flags: '--no-commits', summary: 'restore points only' },
  ],
  examples: [{ command: 'holdfast log notes/plan.md', means: 'every version there is' }],
  async run(context) {
    const { args, out, signal } = context;
    const limit = context.count('limit');
    await using deps = await context.openSession();
    const at = await openPoints(context, deps);
    const path = at.path(args[0]!);
    const { versions, unreadable } = await readPathHistory(at.reader, { points: at.points, path, signal });
    const commits = await readCommits(context, at, path);
    if (versions.length === 0 && (commits === null || commits.touches.length === 0)) {
      throw await pathUnknown(openTreeReader(at.reader, { signal }), at.newest.record.tree, path);
    }
    const ids = versions.flatMap(({ entry }) => (entry === null || entry.kind === 'folder' ? [] : [entry.id]));
    const sizes = await readObjectSizes(at.reader, ids, { signal });
    const rows = mergedRows(versions, commits?.touches ?? []).slice(0, limit);
    for (const row of rows) {
      if (row.kind === 'version') printVersion(context, row.version, { path, sizes });
      else printCommit(context, row.touch, path);
    }
    printEnd(context, commits, unreadable);
    out.result({ command: 'log', ...jsonPath(path), count: rows.length, commits_stopped: commits?.stopped ?? null });
    return unreadable.length === 0 ? exitCodes.ok : exitCodeOfKind.integrity;
  },
};

/** The history beneath the newest point that has one; null where there is none, or it was not asked for. */
async function readCommits(context: CommandContext, at: PointsAtHand, path: string): Promise<CommitHistory | null> {
  const head = at.points.find(({ record }) => record.git?.head != null)?.record.git?.head;
  if (head == null || path === '' || context.flag('no-commits')) return null;
  return readCommitHistory(at.reader, { head, path, signal: context.signal });
}

type Row =
  | { readonly kind: 'version'; readonly timeMs: number; readonly version: PathVersion }
  | { readonly kind: 'commit'; readonly timeMs: number; readonly touch: CommitTouch };

function mergedRows(versions: readonly PathVersion[], touches: readonly CommitTouch[]): Row[] {
  const rows: Row[] = [
    ...versions.map((version): Row => ({ kind: 'version', timeMs: Date.parse(version.since.record.takenAt), version })),
    ...touches.map((touch): Row => ({ kind: 'commit', timeMs: (touch.committedAt ?? 0) * 1000, touch })),
  ];
  return rows.sort((a, b) => b.timeMs - a.timeMs);
}

function printVersion(
  context: CommandContext,
  version: PathVersion,
  { path, sizes }: { path: string; sizes: ReadonlyMap<ObjectId, number> },
): void {
  const { out } = context;
  const { entry, since, until, pointCount } = version;
  const sizeBytes = entry === null ? undefined : sizes.get(entry.id);
  out.row('version', {
    ...jsonPath(path),
    kind: entry?.kind ?? 'absent',
    object: entry?.id ?? null,
    size_bytes: sizeBytes ?? null,
    since: since.record.id,
    until: until.record.id,
    taken_at: since.record.takenAt,
    snapshots: pointCount,
  });
  const age = ageOf(context, Date.parse(since.record.takenAt));
  if (entry === null) {
    out.print(`  ${age}  ${out.paint('red', 'absent since')}  ${displayText(since.record.id)}`);
    return;
  }
  const size = sizeBytes === undefined ? entry.kind : formatSize(sizeBytes);
  const points =
    pointCount === 1 ? '' : out.paint('dim', `  ${formatCount(pointCount)} restore points, until ${until.record.id}`);
  out.print(`  ${age}  ${size.padStart(8)}  ${displayText(since.record.id)}${points}`);
}

function printCommit(context: CommandContext, touch: CommitTouch, path: string): void {
  const { out } = context;
  const subject = displayText(textOfByteString(touch.subject) ?? displayName(touch.subject), { charsMax: 200 });
  out.row('commit', {
    ...jsonPath(path),
    commit: touch.commit,
    object: touch.object,
    author: touch.author,
    subject,
    committed_at: touch.committedAt === null ? null : new Date(touch.committedAt * 1000).toISOString(),
  });
  const age = ageOf(context, (touch.committedAt ?? 0) * 1000);
  const what = touch.object === null ? 'removed' : 'commit';
  const line = `  ${age}  ${out.paint('cyan', what.padStart(8))}  ${touch.commit.slice(0, 10)} ${subject} (${displayText(touch.author)})`;
  out.print(truncateToWidth(line, out.columns));
}

function printEnd({ out }: CommandContext, commits: CommitHistory | null, unreadable: readonly RestorePoint[]): void {
  if (commits?.stopped === 'limit') out.note(`  Only the newest ${formatCount(commitsMax)} commits were looked at.`);
  if (commits?.stopped === 'missing') out.note('  The store does not hold older commits.');
  for (const { record } of unreadable.slice(0, 5)) out.complain(`  cannot be read there: ${displayText(record.id)}`);
}

function ageOf({ io }: CommandContext, timeMs: number): string {
  return formatAge(io.now().getTime() - timeMs).padEnd(11);
}
