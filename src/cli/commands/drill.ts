import { relative } from 'node:path';
import { chooseDrillPoint, type DrillChoice } from '../../engine/drill/choose-drill-point.ts';
import { type DrillOutcome, runDrill } from '../../engine/drill/drill.ts';
import { displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCounted, formatSize } from '../../format/size.ts';
import { type DrillComponent, drillComponents, type DrillTarget } from '../../model/drill-report.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { RestorePoint } from '../../model/restore-point.ts';
import { describePoint } from '../choose-point.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOfKind, exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { openPoints, type PointsAtHand } from '../points-at-hand.ts';
import { wrapToWidth } from '../../format/text-width.ts';

export const command: Command = {
  name: 'drill',
  summary: 'rehearse a restore for real, compare every byte, measure',
  description: [
    'Restores a whole restore point into a throw-away folder of the holding directory, reads it back from the disk, and ' +
      'compares every byte, link, time and permission, the git history behind every branch, and lets SQLite check every database.',
    'Measures how long it took (RTO) and how much work would be lost right now (RPO) against "targets" in the settings. The ' +
      'report is kept in the store and in the index; a failed drill turns status red and ends with exit code 7, a missed ' +
      'target with 3.',
    'With --without-holdfast everything is done by stock git and a shell, following RESTORE.md. What was restored is removed ' +
      'again unless --keep is given.',
  ],
  arguments: [
    { name: '[when]', summary: 'id, label, time (default: the newest complete point)', completes: 'snapshot' },
  ],
  options: [
    { flags: '--random', summary: 'a restore point drawn at random' },
    { flags: '--old', summary: 'one drawn from the older half' },
    { flags: '--components <list>', summary: `some of: ${drillComponents.join(',')} (default: all)` },
    { flags: '--skip-validation', summary: 'restore and measure only' },
    { flags: '--without-holdfast', summary: 'restore with stock git and sh only' },
    { flags: '--keep', summary: 'leave what was restored in the holding directory' },
  ],
  examples: [
    { command: 'holdfast drill', means: 'rehearse with the newest restore point' },
    {
      command: 'holdfast drill --old --without-holdfast',
      means: 'prove that an old one comes back without this program',
    },
  ],
  async run(context) {
    const { out, io, signal } = context;
    const components = componentsOf(context);
    const config = await context.config();
    await using deps = await context.openSession();
    const at = await openPoints(context, deps);
    const point = await pointOf(context, at, { machineId: deps.identity.machine.id, random: deps.random });
    out.print(
      `  rehearsing with ${describePoint({ point, when: { raw: '', latestMinus: null, time: null, timeText: null } }, io.now())}`,
    );
    const outcome = await runDrill(deps, {
      point,
      points: at.points,
      opened: at,
      components,
      withoutHoldfast: context.flag('without-holdfast'),
      skipValidation: context.flag('skip-validation'),
      keep: context.flag('keep'),
      targets: { rtoMs: config.targets.rto, rpoMs: config.targets.rpo },
      signal,
    });
    out.result(resultFields(outcome));
    printOutcome(out, outcome, io.cwd);
    return exitCodeOf(outcome);
  },
};

function componentsOf(context: CommandContext): readonly DrillComponent[] {
  const text = context.value('components');
  if (text === undefined) return drillComponents;
  if (context.flag('skip-validation')) {
    throw new HoldfastError('flag_invalid', '--components and --skip-validation exclude each other.', {
      hint: 'Give one of them.',
    });
  }
  return text.split(',').map((word) => {
    const component = drillComponents.find((name) => name === word.trim());
    if (component !== undefined) return component;
    throw new HoldfastError('flag_invalid', `--components has no ${JSON.stringify(word)}.`, {
      hint: `Choose from: ${drillComponents.join(', ')}.`,
    });
  });
}

async function pointOf(
  context: CommandContext,
  at: PointsAtHand,
  machine: Parameters<typeof chooseDrillPoint>[2],
): Promise<RestorePoint> {
  const [when] = context.args;
  const choices = (['random', 'old'] as const).filter((name) => context.flag(name));
  if (choices.length + (when === undefined ? 0 : 1) > 1) {
    throw new HoldfastError('flag_invalid', 'A restore point, --random and --old exclude each other.', {
      hint: 'Give one of them, or none for the newest.',
    });
  }
  if (when !== undefined) return (await at.choose(when)).point;
  const choice: DrillChoice = choices[0] ?? 'latest';
  return chooseDrillPoint(at.points, choice, machine);
}

function resultFields({ report, directory, reportKey }: DrillOutcome): Record<string, unknown> {
  const target = ({ measuredMs, targetMs }: DrillTarget): Record<string, unknown> => ({
    measured_ms: measuredMs,
    target_ms: targetMs,
    met: measuredMs <= targetMs,
  });
  return {
    command: 'drill',
    id: report.snapshot,
    method: report.method,
    passed: report.passed,
    components: report.components,
    files: report.files,
    size_bytes: report.sizeBytes,
    rto: target(report.rto),
    rpo: target(report.rpo),
    recommendations: report.recommendations,
    directory,
    report_key: reportKey,
    duration_ms: report.durationMs,
  };
}

function exitCodeOf({ report }: DrillOutcome): number {
  if (report.components.some(({ outcome }) => outcome === 'failed')) return exitCodeOfKind.integrity;
  return report.passed ? exitCodes.ok : exitCodes.incomplete;
}

const marks = { passed: ['green', '✓'], failed: ['red', '✗'], none: ['dim', '–'], skipped: ['dim', '–'] } as const;

function printOutcome(out: Output, { report, directory, reportKey }: DrillOutcome, cwd: string): void {
  for (const { component, outcome, checked, detail } of report.components) {
    const [colour, mark] = marks[outcome];
    const amount = outcome === 'passed' ? `${formatCounted(checked, nouns[component])}, ` : '';
    const lines = wrapToWidth(`${component.padEnd(9)} ${amount}${displayText(detail)}`, out.columns - 4, '          ');
    lines.forEach((line, i) => out.print(`  ${i === 0 ? out.paint(colour, mark) : ' '} ${line}`));
  }
  printTarget(
    out,
    'RTO',
    report.rto,
    `${formatCounted(report.files, 'file')}, ${formatSize(report.sizeBytes)} back in`,
  );
  printTarget(out, 'RPO', report.rpo, 'work at risk right now:');
  for (const advice of report.recommendations) {
    for (const line of wrapToWidth(advice, out.columns - 4, '')) out.print(`    ${line}`);
  }
  const by = report.method === 'git' ? ' by stock git' : '';
  const verdict = report.passed ? out.paint('green', 'passed') : out.paint('red', 'not passed');
  out.print(`  ● drill ${verdict}${by}${reportKey === null ? '; the store could not take the report' : ''}`);
  if (directory !== null) out.print(`  kept in ${displayText(relative(cwd, directory) || '.')}/`);
}

const nouns: Readonly<Record<DrillComponent, string>> = {
  files: 'item',
  history: 'object',
  metadata: 'item',
  database: 'database',
};

function printTarget(out: Output, name: string, target: DrillTarget, what: string): void {
  const isMet = target.measuredMs <= target.targetMs;
  const mark = isMet ? out.paint('green', '✓') : out.paint('red', '✗');
  const text = `${name.padEnd(9)} ${what} ${formatDuration(target.measuredMs)} (target ${formatDuration(target.targetMs)})`;
  wrapToWidth(text, out.columns - 4, '          ').forEach((line, i) => out.print(`  ${i === 0 ? mark : ' '} ${line}`));
}
