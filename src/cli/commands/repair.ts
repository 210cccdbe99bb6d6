import { openReplica } from '../../app/open-replica.ts';
import type { Session } from '../../app/compose.ts';
import { repairStore, type RepairReport } from '../../engine/repair/repair-store.ts';
import { replicaSource, type RepairSource, versionsSource } from '../../engine/repair/repair-source.ts';
import { displayText } from '../../format/display-name.ts';
import { formatCounted } from '../../format/size.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { ObjectStorage } from '../../ports/object-storage.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOfKind, exitCodes } from '../exit-codes.ts';

const keysShownMax = 20;

export const command: Command = {
  name: 'repair',
  summary: 'bring back objects that the store lost, from versions or a replica',
  description: [
    'Finds snapshots, packs and indexes that are missing from the store or damaged in it, and puts genuine copies back: with ' +
      '--undelete from the earlier versions that the storage keeps of deleted and overwritten objects, with --from from a ' +
      'replica. Every copy is proved by its SHA-256 first.',
    'Nothing is deleted. Snapshots that prune dropped on purpose stay dropped. Ends with 7 when something has no genuine copy there.',
  ],
  arguments: [],
  options: [
    { flags: '--undelete', summary: "from the storage's own versions" },
    { flags: '--from <url>', summary: 'from this replica' },
    { flags: '--full', summary: 'also read every byte of every pack, and replace damaged ones' },
    { flags: '--dry-run', summary: 'say what would be put back, write nothing' },
  ],
  examples: [
    { command: 'holdfast repair --undelete', means: 'bring back what somebody deleted from the bucket' },
    { command: 'holdfast repair --full --from file:///media/usb/notes', means: 'replace damaged packs from a replica' },
  ],
  async run(context) {
    const { signal, events } = context;
    const from = context.value('from');
    if ((from === undefined) !== context.flag('undelete')) {
      throw new HoldfastError('flag_invalid', 'repair needs one place to take genuine copies from.', {
        hint: 'Give --undelete (the versions the storage keeps) or --from URL (a replica). See: holdfast verify',
      });
    }
    const config = await context.config();
    await using deps = await context.openSession();
    await using replica = from === undefined ? null : await openReplica(config, from, { events, create: false });
    const report = await repairStore(deps, {
      source: sourceOf(deps, replica, signal),
      full: context.flag('full'),
      dryRun: context.flag('dry-run'),
      signal,
    });
    printReport(context, report);
    return report.beyond.length === 0 ? exitCodes.ok : exitCodeOfKind.integrity;
  },
};

function sourceOf(deps: Session, replica: ObjectStorage | null, signal: AbortSignal): RepairSource {
  if (replica === null) return versionsSource(deps, signal);
  return replicaSource(deps, { replica, plain: deps.plainViewOf(replica), signal });
}

function printReport(context: CommandContext, report: RepairReport): void {
  const { out } = context;
  const { repaired, beyond, snapshots, keptIn, source, durationMs } = report;
  const isDry = context.flag('dry-run');
  out.result({
    command: 'repair',
    source,
    dry_run: isDry,
    repaired,
    beyond,
    snapshots,
    kept_in: keptIn,
    duration_ms: durationMs,
  });
  if (repaired.length + beyond.length === 0) {
    out.print(`  ${out.paint('green', '●')} nothing is missing${context.flag('full') ? ' or damaged' : ''}`);
    return;
  }
  const verb = isDry ? 'would be put back' : 'put back';
  for (const key of repaired.slice(0, keysShownMax)) out.print(`  ${verb}: ${displayText(key)}`);
  if (repaired.length > keysShownMax) out.print(`  and ${repaired.length - keysShownMax} more`);
  for (const key of beyond.slice(0, keysShownMax)) out.complain(`  no genuine copy there: ${displayText(key)}`);
  const mark = out.paint(beyond.length === 0 ? 'green' : 'red', '●');
  out.print(`  ${mark} ${formatCounted(repaired.length, 'object')} ${verb} from ${displayText(source)}`);
  if (snapshots.length > 0)
    out.print(`    ${formatCounted(snapshots.length, 'snapshot')} ${isDry ? 'would be' : 'are'} back`);
  if (keptIn !== null) out.print(`    the damaged bytes are kept in ${displayText(keptIn)}/`);
  if (beyond.length > 0) out.complain('    Try the other source; a new snapshot protects what is in the vault now.');
}
