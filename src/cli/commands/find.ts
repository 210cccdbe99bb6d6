import { findFiles, type FoundPath } from '../../engine/find-files.ts';
import { displayName, jsonPath } from '../../format/display-name.ts';
import { formatAge } from '../../format/duration.ts';
import { formatCount, formatCounted } from '../../format/size.ts';
import { byteStringOfText } from '../../lib/bytes.ts';
import { pathPattern } from '../../model/path-pattern.ts';
import type { Command } from '../command.ts';
import { exitCodeOfKind, exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { openPoints } from '../points-at-hand.ts';

export const command: Command = {
  name: 'find',
  summary: 'find files by name in restore points',
  description: [
    'Looks for a path in all restore points (or the one named), and lists every path once: how many restore points have it, in how ' +
      'many versions, and whether it is still there. What was deleted is found, too.',
    'A word is looked for anywhere in the path. With *, ? or [...] it is a pattern for the name, with a slash for the whole path, ' +
      'where ** spans folders. Case does not matter.',
  ],
  arguments: [
    { name: '<pattern>', summary: 'part of a path, or a pattern' },
    { name: '[when]', summary: 'only in this restore point', completes: 'snapshot' },
  ],
  options: [],
  examples: [
    { command: 'holdfast find plan', means: 'every path that ever held "plan"' },
    { command: "holdfast find '*.pdf' yesterday", means: 'PDF files as of yesterday' },
  ],
  async run(context) {
    const { args, out, io, signal } = context;
    await using deps = await context.openSession();
    const at = await openPoints(context, deps);
    const points = args[1] === undefined ? at.points : [(await at.choose(args[1])).point];
    deps.events.emit({ type: 'phase_started', phase: 'search' });
    const { found, unreadable } = await findFiles(at.reader, {
      points,
      matches: pathPattern(byteStringOfText(args[0]!)),
      signal,
      onProgress: (done) =>
        deps.events.emit({ type: 'progress', phase: 'search', done, total: points.length, unit: 'snapshots' }),
    });
    deps.events.emit({ type: 'phase_finished', phase: 'search', durationMs: 0 });
    for (const path of found) {
      out.row('path', pathFields(path));
      out.print(lineOf(out, path, { now: io.now(), pointCount: points.length }));
      await out.ready();
    }
    out.result({ command: 'find', count: found.length, snapshots: points.length, unreadable: unreadable.length });
    if (found.length === 0) out.print(`  Nothing in ${formatCount(points.length)} restore points matches.`);
    for (const { path, point } of unreadable.slice(0, 5)) {
      out.complain(`  cannot be read, so there may be more: ${displayName(path)}/ in ${point.record.id}`);
    }
    if (unreadable.length > 0) return exitCodeOfKind.integrity;
    return found.length === 0 ? exitCodeOfKind.not_found : exitCodes.ok;
  },
};

function pathFields(found: FoundPath): Record<string, unknown> {
  return {
    ...jsonPath(found.path),
    kind: found.entry.kind === 'folder' || found.entry.kind === 'link' ? found.entry.kind : 'file',
    snapshots: found.pointCount,
    versions: found.versionCount,
    newest: found.newest.record.id,
    oldest: found.oldest.record.id,
    in_newest: found.isCurrent,
  };
}

function lineOf(out: Output, found: FoundPath, options: { now: Date; pointCount: number }): string {
  const name = displayName(found.path) + (found.entry.kind === 'folder' ? '/' : '');
  if (options.pointCount === 1) return name;
  const age = formatAge(options.now.getTime() - Date.parse(found.newest.record.takenAt));
  const versions = found.entry.kind === 'folder' ? '' : `, ${formatCounted(found.versionCount, 'version')}`;
  const where = found.isCurrent ? '' : `, ${out.paint('yellow', 'gone since')}: last in ${found.newest.record.id}`;
  return `${name}  ${out.paint('dim', `${formatCounted(found.pointCount, 'restore point')}${versions}, newest ${age}`)}${where}`;
}
