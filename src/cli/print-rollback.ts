import type { RollbackOutcome } from '../engine/rollback/finish-rollback.ts';
import type { PlannedPath, RollbackPlan } from '../engine/rollback/plan-rollback.ts';
import { displayName, displayText, jsonPath } from '../format/display-name.ts';
import { formatDuration } from '../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../format/size.ts';
import type { RestorePoint } from '../model/restore-point.ts';
import type { CommandContext } from './command.ts';
import { printProblems, problemFields } from './print-problems.ts';
import { joinToWidth } from '../format/text-width.ts';

const shownMax = 20;
const keptShownMax = 5;
const marks = { change: ['~', 'yellow'], 'bring back': ['+', 'green'], 'set aside': ['-', 'red'] } as const;

/** Prints what a rollback would do: one line of counts, then paths. */
export function printPlan(context: CommandContext, plan: RollbackPlan, point: RestorePoint): void {
  const { out } = context;
  out.row('plan', planFields(plan, point));
  for (const piece of joinToWidth(countPieces(plan), ' ', { width: out.columns - 2, indent: '  ' }))
    out.print(`  ${piece}`);
  const shown = plan.paths.filter(({ what }) => what !== 'time');
  const isAll = context.flag('all');
  for (const path of isAll || out.json ? shown : shown.slice(0, shownMax)) printPath(context, path);
  const rest = shown.length - shownMax;
  if (rest > 0 && !isAll) out.print(`    and ${formatCount(rest)} more; --all names every one`);
  for (const { path, message } of isAll ? plan.kept : plan.kept.slice(0, keptShownMax)) {
    out.print(`    ${out.paint('dim', '=')} ${displayName(path)} stays: ${message}`);
  }
  if (plan.kept.length > keptShownMax && !isAll)
    out.print(`    and ${formatCount(plan.kept.length - keptShownMax)} more stay`);
  printProblems(out, plan.leftAlone, 'would be left as they are:');
}

/** Prints how it ended. */
export function printRollback({ out }: CommandContext, outcome: RollbackOutcome, holdingName: string): void {
  const { changed, broughtBack, setAside, keptIn, safety } = outcome;
  if (outcome.outcome === 'aborted') {
    out.print(`  ${out.paint('green', 'taken back')}: the vault is as it was before the rollback`);
  } else {
    const counts = `changed ${formatCount(changed)}, brought back ${formatCount(broughtBack)}, set aside ${formatCount(setAside)}`;
    out.print(`  ${out.paint('green', 'done')}: ${counts}, ${formatDuration(outcome.durationMs)}`);
    if (keptIn !== null) out.print(`  what was there is kept in ${displayText(`${holdingName}/${keptIn}/set-aside`)}/`);
    out.print(`  before it, the vault was saved as ${displayText(safety)}`);
    out.print(`  undo with:  ${outcome.undo}`);
  }
  printProblems(out, outcome.problems, 'left as they are:');
}

export function rollbackFields(outcome: RollbackOutcome): Readonly<Record<string, unknown>> {
  return {
    command: 'rollback',
    outcome: outcome.outcome,
    id: outcome.target,
    safety: outcome.safety,
    changed: outcome.changed,
    brought_back: outcome.broughtBack,
    set_aside: outcome.setAside,
    kept_in: outcome.keptIn,
    undo: outcome.undo,
    problems: problemFields(outcome.problems),
    duration_ms: outcome.durationMs,
  };
}

function planFields(plan: RollbackPlan, { record }: RestorePoint): Readonly<Record<string, unknown>> {
  return {
    id: record.id,
    label: record.label,
    changed: plan.changed,
    brought_back: plan.broughtBack,
    set_aside: plan.setAside,
    times_only: plan.retimed,
    folders_made: plan.foldersMade,
    folders_removed: plan.foldersRemoved,
    fetch_bytes: plan.fetchBytes,
    aside_bytes: plan.asideBytes,
    estimate_ms: plan.estimateMs,
    left_alone: problemFields(plan.leftAlone),
    kept: problemFields(plan.kept),
  };
}

/** "would change 31 files, bring back 2, set aside 214 · 12 MB to read, 3 MB set aside · about 2 s" */
function countPieces(plan: RollbackPlan): string[] {
  const { changed, broughtBack, setAside, retimed, foldersMade, foldersRemoved } = plan;
  const pieces = [
    `would change ${formatCounted(changed, 'file')},`,
    `bring back ${formatCount(broughtBack)},`,
    `set aside ${formatCount(setAside)}`,
  ];
  if (retimed > 0) pieces.push(`· times of ${formatCount(retimed)} more`);
  if (foldersMade + foldersRemoved > 0) {
    pieces.push(`· folders: ${formatCount(foldersMade)} made, ${formatCount(foldersRemoved)} emptied`);
  }
  pieces.push(`· ${formatSize(plan.fetchBytes)} to read, ${formatSize(plan.asideBytes)} kept aside`);
  pieces.push(`· about ${formatDuration(plan.estimateMs)}`);
  return pieces;
}

function printPath({ out }: CommandContext, { path, what }: PlannedPath): void {
  out.row('path', { what: what.replace(' ', '_'), ...jsonPath(path) });
  if (what === 'time') return;
  const [mark, colour] = marks[what];
  out.print(`    ${out.paint(colour, mark)} ${displayName(path)}`);
}
