import { applyPrune, previewPrune, type PruneOptions, type PruneOutcome } from '../../engine/prune/apply-prune.ts';
import { graceMs, type PruneOutline } from '../../engine/prune/plan-prune.ts';
import { displayText } from '../../format/display-name.ts';
import { formatAge } from '../../format/duration.ts';
import { formatCounted, formatSize } from '../../format/size.ts';
import type { RetentionReason } from '../../model/retention.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { readRules, reasonWords, ruleOptions } from '../prune-rules.ts';
import { wrapToWidth } from '../../format/text-width.ts';

export const command: Command = {
  name: 'prune',
  summary: 'drop the restore points the retention rules do not keep',
  description: [
    'Shows which restore points the rules of the settings keep and drop, and why; with --apply it drops them. The rules count ' +
      'for each machine by itself, and only complete restore points satisfy one. The newest of each machine, pinned ones and ' +
      'those with a label of their own always stay.',
    'What is dropped is gone from the list at once. Its space comes free in two steps: packs are condemned first and deleted by ' +
      'a prune a day or more later, so that no snapshot anywhere is ever in danger.',
  ],
  arguments: [],
  options: [
    { flags: '--apply', summary: 'drop them; without it nothing is changed' },
    ...ruleOptions,
    { flags: '--without-versions', summary: 'go on where the bucket keeps no versions: what is deleted is gone' },
    { flags: '--alone', summary: 'no other machine prunes now (asked for by storages that cannot tell)' },
    { flags: '--ignore-burst', summary: 'go on although many files vanished at once just now' },
  ],
  examples: [
    { command: 'holdfast prune', means: 'show what would go, and why' },
    { command: 'holdfast prune --apply', means: 'let it go' },
    { command: 'holdfast prune --keep-daily 90', means: 'show what 90 days would keep' },
  ],
  async run(context) {
    const { out, io, signal } = context;
    const config = await context.config();
    await using deps = await context.openSession();
    const options: PruneOptions = {
      retention: readRules(context, config),
      keepNone: context.flag('keep-none'),
      withoutVersions: context.flag('without-versions'),
      alone: context.flag('alone'),
      ignoreBurst: context.flag('ignore-burst'),
      signal,
    };
    const outcome = context.flag('apply') ? await applyPrune(deps, options) : null;
    const outline = outcome?.outline ?? (await previewPrune(deps, options));
    printRows(out, outline);
    out.result(resultFields(outline, outcome));
    printOutline(out, outline, io.now());
    if (outcome === null) printPromise(out, outline);
    else printOutcome(out, outcome, io.now());
    return outcome !== null && outcome.blocked.length > 0 ? exitCodes.incomplete : exitCodes.ok;
  },
};

function printRows(out: Output, outline: PruneOutline): void {
  for (const { point, keep, reasons } of outline.decisions) {
    const { id, label, kind, takenAt, machine, complete } = point.record;
    out.row('decision', { id, label, kind, taken_at: takenAt, machine: machine.name, complete, keep, reasons });
  }
}

function resultFields(outline: PruneOutline, outcome: PruneOutcome | null): Record<string, unknown> {
  return {
    command: 'prune',
    applied: outcome !== null,
    kept: outline.decisions.length - outline.dropped.length,
    dropped: outline.dropped.length,
    condemned_bytes: outline.condemnedBytes,
    gathered_bytes: outline.gatheredBytes,
    pending: outline.pending.map(({ plan, dueAt, bytes }) => ({ plan, due_at: dueAt?.toISOString() ?? null, bytes })),
    earliest: outline.earliest?.record.id ?? null,
    ...(outcome === null
      ? {}
      : {
          plan: outcome.plan,
          stayed: outcome.stayed,
          written_bytes: outcome.writtenBytes,
          deleted_bytes: outcome.deletedBytes,
          due_at: outcome.dueAt?.toISOString() ?? null,
          blocked: outcome.blocked,
        }),
  };
}

/** Kept and dropped, grouped by the weightiest reason. */
function printOutline(out: Output, outline: PruneOutline, now: Date): void {
  const { decisions, dropped, earliest } = outline;
  if (decisions.length === 0) {
    out.print('  Nothing to prune: the store holds no restore points yet.');
    return;
  }
  printGroup(
    out,
    'kept',
    decisions.filter(({ keep }) => keep),
  );
  if (dropped.length === 0) out.print('  nothing to drop');
  else
    printGroup(
      out,
      'dropped',
      decisions.filter(({ keep }) => !keep),
    );
  if (earliest !== null) {
    const age = formatAge(now.getTime() - Date.parse(earliest.record.takenAt));
    printWrapped(out, `the earliest one left: ${displayText(earliest.record.id)} (${age})`);
  }
}

function printGroup(out: Output, verb: string, group: PruneOutline['decisions']): void {
  const byReason = new Map<RetentionReason, number>();
  for (const { reasons } of group) byReason.set(reasons[0]!, (byReason.get(reasons[0]!) ?? 0) + 1);
  out.print(`  ${verb}: ${formatCounted(group.length, 'restore point')}`);
  for (const [reason, count] of byReason) {
    for (const line of wrapToWidth(`${count} ${reasonWords[reason]}`, out.columns - 4)) out.print(`    ${line}`);
  }
}

function printPromise(out: Output, outline: PruneOutline): void {
  const { condemnedBytes, gatheredBytes, pending, dropped } = outline;
  if (condemnedBytes > 0) {
    const least = formatSize(Math.max(0, condemnedBytes - gatheredBytes));
    const most = formatSize(condemnedBytes);
    printWrapped(
      out,
      `frees ${least} to ${most}, from ${graceMs / 3_600_000} hours after --apply on, by the next prune`,
    );
  }
  printPending(out, pending);
  if (dropped.length > 0) out.print('  Nothing was changed. To do it: holdfast prune --apply');
}

function printOutcome(out: Output, outcome: PruneOutcome, now: Date): void {
  const { outline, dropped, stayed, dueAt, writtenBytes, deletedBytes, blocked } = outcome;
  if (dropped.length > 0)
    out.print(`  ${out.paint('green', '●')} dropped ${formatCounted(dropped.length, 'restore point')}`);
  if (stayed.length > 0)
    printWrapped(out, `${formatCounted(stayed.length, 'restore point')} stayed: pinned meanwhile, or locked`);
  if (deletedBytes > 0) printWrapped(out, `${formatSize(deletedBytes)} deleted that earlier runs had condemned`);
  const freed = outline.condemnedBytes - writtenBytes;
  if (outline.condemnedBytes > 0) {
    const when = dueAt === null ? '' : ` after ${dueAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
    printWrapped(out, `${formatSize(Math.max(0, freed))} come free with the next prune${when}`);
  }
  printPending(
    out,
    outline.pending.filter(({ dueAt: due }) => due !== null && due > now),
  );
  if (blocked.length > 0) {
    const what = `${formatCounted(blocked.length, 'object')} could not be deleted (locked, or no right to); tried again next time`;
    for (const line of wrapToWidth(`  ${what}`, out.noteColumns, '  ')) out.complain(line);
  }
}

function printPending(out: Output, pending: PruneOutline['pending']): void {
  const bytes = pending.reduce((sum, entry) => sum + entry.bytes, 0);
  if (bytes > 0) printWrapped(out, `${formatSize(bytes)} wait from earlier runs to be deleted`);
}

function printWrapped(out: Output, text: string): void {
  for (const line of wrapToWidth(text, out.columns - 2)) out.print(`  ${line}`);
}
