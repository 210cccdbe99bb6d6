import type { VerifyDepth } from '../../engine/choose-packs.ts';
import { verifyStore, type VerifyFinding } from '../../engine/verify-store.ts';
import { displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../../format/size.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOfKind, exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { wrapToWidth } from '../../format/text-width.ts';

const findingsShownMax = 20;
const snapshotsShownMax = 3;

export const command: Command = {
  name: 'verify',
  summary: 'prove that the store holds what it should',
  description: [
    'Checks every record, the chain between them, every pack index, and that every pack is there. Reads every byte of the ' +
      'packs that were not proved before, and that every file of every snapshot can be found in them.',
    'Nothing is changed. Damage is named together with the snapshots it touches, and ends with exit code 7.',
  ],
  arguments: [],
  options: [
    { flags: '--quick', summary: 'records, indexes, presence and sizes only: reads no pack' },
    { flags: '--full', summary: 'read every byte of every pack' },
    { flags: '--sample <percent>', summary: 'read a random share of the packs, such as 5%' },
  ],
  examples: [
    { command: 'holdfast verify', means: 'prove what is new since the last time' },
    { command: 'holdfast verify --full', means: 'prove everything' },
    { command: 'holdfast verify --sample 5%', means: 'prove a twentieth, every day' },
  ],
  async run(context) {
    const depth = depthOf(context);
    const { out, signal, openSession } = context;
    await using deps = await openSession();
    const report = await verifyStore(deps, { depth, signal });
    const { findings, snapshots, packs, readBytes, durationMs } = report;
    out.result({
      command: 'verify',
      depth: typeof depth === 'object' ? 'sample' : depth,
      ...(typeof depth === 'object' && 'sample' in depth ? { sample: depth.sample } : {}),
      passed: findings.length === 0,
      findings,
      snapshots,
      packs,
      read_bytes: readBytes,
      rebuilt_indexes: report.rebuiltIndexes,
      duration_ms: durationMs,
    });
    for (const key of report.rebuiltIndexes) {
      out.notice({
        code: 'rebuilt_pack_index',
        message: `the index of ${key} was missing or wrong; rebuilt from its pack`,
      });
    }
    if (snapshots === 0 && findings.length === 0) {
      out.print('  Nothing to verify: the store holds no restore points yet.');
      return exitCodes.ok;
    }
    const what = formatCounted(snapshots, 'snapshot');
    const read = depth === 'quick' ? 'no pack read' : `${formatCounted(packs, 'pack')} read, ${formatSize(readBytes)}`;
    const mark = findings.length === 0 ? out.paint('green', '●') : out.paint('red', '●');
    const verdict = findings.length === 0 ? 'whole' : 'damaged';
    for (const line of wrapToWidth(`${verdict}: ${what}, ${read}, ${formatDuration(durationMs)}`, out.columns - 4)) {
      out.print(`  ${mark} ${line}`);
    }
    printFindings(out, findings);
    return findings.length === 0 ? exitCodes.ok : exitCodeOfKind.integrity;
  },
};

function depthOf(context: CommandContext): VerifyDepth {
  const sample = context.value('sample');
  const asked = [context.flag('quick'), context.flag('full'), sample !== undefined].filter(Boolean).length;
  if (asked > 1) {
    throw new HoldfastError('flag_invalid', '--quick, --full and --sample exclude each other.', {
      hint: 'Give one of them, or none to prove what is new.',
    });
  }
  if (sample !== undefined) return { sample: parseShare(sample) };
  return context.flag('quick') ? 'quick' : context.flag('full') ? 'full' : 'new';
}

function parseShare(text: string): number {
  const match = /^(\d{1,3}(?:\.\d+)?)%?$/.exec(text);
  const percent = match === null ? Number.NaN : Number(match[1]);
  if (percent > 0 && percent <= 100) return percent / 100;
  throw new HoldfastError('flag_invalid', `--sample takes a share such as 5%, not ${JSON.stringify(text)}.`, {
    hint: 'Anything above 0% up to 100%.',
  });
}

function printFindings(out: Output, findings: readonly VerifyFinding[]): void {
  for (const { key, message, snapshots } of findings.slice(0, findingsShownMax)) {
    const more = snapshots.length > snapshotsShownMax ? ` and ${snapshots.length - snapshotsShownMax} more` : '';
    const affected = snapshots.slice(0, snapshotsShownMax).join(', ') + more;
    const touches = snapshots.length === 0 ? '' : `; touches ${affected}`;
    const line = `    ${displayText(key)}: ${displayText(message)}${touches}`;
    for (const part of wrapToWidth(line, out.noteColumns, '      ')) out.complain(part);
  }
  const rest = findings.length - findingsShownMax;
  if (rest > 0) out.complain(`    and ${formatCount(rest)} more; --json names every one`);
  if (findings.length > 0) out.complain('    The snapshots not named are not touched by this.');
}
