import { intervalMs } from '../../app/intervals.ts';
import type { Session } from '../../app/compose.ts';
import type { Config } from '../../app/config.ts';
import { openReplica, replicaPlace } from '../../app/open-replica.ts';
import { addReplicaSetting } from '../../app/vault-files.ts';
import { readStoreHeader } from '../../engine/ensure-store.ts';
import { listSnapshots } from '../../engine/list-snapshots.ts';
import { readReplicaStatus, type ReplicaStatus } from '../../engine/replicate/replica-status.ts';
import { syncReplica, type SyncReport } from '../../engine/replicate/sync-replica.ts';
import { displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCounted, formatSize } from '../../format/size.ts';
import { HoldfastError, isHoldfastError } from '../../model/errors.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOfKind, exitCodes } from '../exit-codes.ts';

export const command: Command = {
  name: 'replicate',
  summary: 'keep a second copy of the store somewhere else',
  description: [
    'replicate configure URL   adds a replica to the settings: a bucket in another region or with another provider, or a folder ' +
      '(a local mirror, which also restores offline). It is looked at first; nothing is copied yet.',
    'replicate sync [URL]   brings the replicas level: copies what they lack, packs before the records that need them, every ' +
      "object's SHA-256 compared; by the server itself where both ends are one server. An interrupted copy goes on where it " +
      'was. Nothing is ever deleted there: prune a replica with: holdfast prune --store URL',
    'replicate status   says how far each is behind. The watcher syncs by "schedule.replicate" (weekly unless told, ' +
      '"continuous" for after each snapshot).',
    'To restore from a replica: holdfast restore --store URL. It works without the first store, and offline from a folder.',
  ],
  arguments: [
    { name: '<action>', summary: 'configure, sync or status' },
    { name: '[url]', summary: 'one replica (default: all in the settings)' },
  ],
  options: [],
  examples: [
    { command: 'holdfast replicate configure file:///media/usb/notes', means: 'add a local mirror' },
    { command: 'holdfast replicate sync', means: 'bring every replica level now' },
  ],
  async run(context) {
    const [action = '', url] = context.args;
    const run = actions.get(action);
    if (run !== undefined) return run(context, url);
    throw new HoldfastError('command_unknown', `replicate does not know ${JSON.stringify(action)}.`, {
      hint: 'Give one of: configure, sync, status.',
    });
  },
};

const actions: ReadonlyMap<string, (context: CommandContext, url: string | undefined) => Promise<number>> = new Map([
  ['configure', configure],
  ['sync', sync],
  ['status', status],
]);

async function configure(context: CommandContext, url: string | undefined): Promise<number> {
  const { out, events, signal } = context;
  if (url === undefined) {
    throw new HoldfastError('flag_invalid', 'replicate configure needs the URL of the replica.', {
      hint: 'For example: holdfast replicate configure s3://bucket/prefix?region=eu-central-1',
    });
  }
  const config = await context.config();
  const place = replicaPlace(config, url);
  await using deps = await context.openSession();
  await using replica = await openReplica(config, place, { events, create: true });
  const header = await readStoreHeader({ storage: replica }, { signal });
  if (header !== null && header.vaultId !== deps.identity.vault.id) {
    throw new HoldfastError('store_foreign', `${place} belongs to another vault ("${header.vaultName}").`, {
      hint: 'Give each vault a replica of its own: another prefix or folder.',
    });
  }
  const versioning = await replica.enableVersioning({ signal });
  const isNew = addReplicaSetting(config, place);
  out.result({ command: 'replicate', action: 'configure', replica: place, added: isNew, versioning });
  out.print(`  ${isNew ? 'added' : 'already there'}: ${displayText(place)} (versions: ${versioning})`);
  out.print('  Copy everything now with: holdfast replicate sync');
  return exitCodes.ok;
}

/** The replicas asked for. @throws when there is none */
function chosen(config: Config, url: string | undefined): readonly string[] {
  const places = (url === undefined ? config.replicas : [url]).map((one) => replicaPlace(config, one));
  if (places.length > 0) return places;
  throw new HoldfastError('config_invalid', 'No replica is configured.', {
    hint: 'Add one with: holdfast replicate configure URL',
  });
}

async function sync(context: CommandContext, url: string | undefined): Promise<number> {
  const { out } = context;
  const config = await context.config();
  const places = chosen(config, url);
  await using deps = await context.openSession();
  let exitCode: number = exitCodes.ok;
  for (const place of places) {
    const done = await syncOne(context, deps, { config, place });
    if (done instanceof HoldfastError) {
      // One replica that is away must not keep the others from being level.
      if (places.length === 1) throw done;
      out.complain(`  ${displayText(place)}: ${displayText(done.message)}`);
      exitCode ||= exitCodeOfKind[done.kind];
      continue;
    }
    printSync(context, done);
    if (!done.complete) exitCode = exitCodeOfKind.integrity;
  }
  return exitCode;
}

async function syncOne(
  context: CommandContext,
  deps: Session,
  { config, place }: { config: Config; place: string },
): Promise<SyncReport | HoldfastError> {
  const { events, signal } = context;
  try {
    await using replica = await openReplica(config, place, { events, create: true });
    return await syncReplica(deps, { replica, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isHoldfastError(error) && error.kind !== 'canceled') return error;
    throw error;
  }
}

function printSync({ out }: CommandContext, report: SyncReport): void {
  const { url, snapshots, objects, copiedBytes, damaged, durationMs, complete } = report;
  out.result({
    command: 'replicate',
    action: 'sync',
    replica: url,
    snapshots,
    objects,
    copied_bytes: copiedBytes,
    damaged,
    complete,
    duration_ms: durationMs,
  });
  const mark = complete ? out.paint('green', '●') : out.paint('red', '●');
  const copied =
    objects === 0
      ? 'level already'
      : `${formatCounted(snapshots, 'snapshot')}, ${formatSize(copiedBytes)} copied in ${formatDuration(durationMs)}`;
  out.print(`  ${mark} ${displayText(url)}: ${copied}`);
  for (const key of damaged) out.complain(`    damaged in the store, not copied: ${displayText(key)}`);
  if (!complete) out.complain('    No record was copied. See: holdfast verify, holdfast repair');
}

async function status(context: CommandContext, url: string | undefined): Promise<number> {
  const { events, signal } = context;
  const config = await context.config();
  const places = chosen(config, url);
  await using deps = await context.openSession();
  const { points } = await listSnapshots(deps, { refresh: 'always', signal });
  const { rows } = await deps.snapshotIndex.read();
  let exitCode: number = exitCodes.ok;
  for (const place of places) {
    await using replica = await openReplica(config, place, { events, create: false });
    const state = await readReplicaStatus(deps, { replica, points, rows, signal });
    printStatus(context, state, intervalMs(config.schedule.replicate));
    if (state.unreachable !== null) exitCode = exitCodeOfKind[state.unreachable.kind];
  }
  return exitCode;
}

function printStatus({ out }: CommandContext, state: ReplicaStatus, interval: number | null): void {
  const { url, unreachable, present, behind, lagMs, lastSyncAt } = state;
  out.result({
    command: 'replicate',
    action: 'status',
    replica: url,
    reachable: unreachable === null,
    error: unreachable?.code ?? null,
    present,
    behind,
    lag_ms: lagMs,
    last_sync_at: lastSyncAt,
    interval_ms: interval,
  });
  if (unreachable !== null) {
    out.print(`  ${out.paint('red', '●')} ${displayText(url)}: ${displayText(unreachable.message)}`);
    return;
  }
  const mark = out.paint(behind === 0 ? 'green' : 'yellow', '●');
  const lag = behind === 0 ? 'level' : `${formatCounted(behind!, 'snapshot')} behind, ${formatDuration(lagMs!)}`;
  out.print(`  ${mark} ${displayText(url)}: ${lag}; ${formatCounted(present!, 'snapshot')} there`);
  if (lastSyncAt !== null) out.print(`    last brought level ${lastSyncAt}`);
}
