import { relative } from 'node:path';
import { restoreFromVersions } from '../engine/restore-from-versions.ts';
import { listSnapshots } from '../engine/list-snapshots.ts';
import { displayName, displayText, jsonPath } from '../format/display-name.ts';
import { formatCounted, formatSize } from '../format/size.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Session } from '../app/compose.ts';
import type { CommandContext } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { parseWhenText } from './parse-when.ts';
import { printProblems, problemFields } from './print-problems.ts';
import { parseVaultPath } from './vault-path.ts';

/** `restore PATH WHEN --from-versions`: past snapshots and packs, from what the storage itself keeps of plain files. */
export async function restoreVersions(context: CommandContext): Promise<number> {
  const { out, io, args, signal } = context;
  await using deps = await context.openSession();
  const [word = '.', when] = args;
  const path = parseVaultPath(word, { cwd: io.cwd, root: deps.identity.vault.root, platform: io.platform });
  const at = await momentOf(context, deps, when);
  const restored = await restoreFromVersions(deps, { path, at, signal });
  const { directory, files, sizeBytes, problems } = restored;
  out.result({
    command: 'restore',
    from_versions: true,
    ...jsonPath(path),
    at: at.toISOString(),
    directory,
    files,
    size_bytes: sizeBytes,
    problems: problemFields(problems),
  });
  const what = path === '' ? 'the vault' : displayName(path);
  out.print(`  ${what} as it was in the live mirror at ${at.toISOString()}`);
  out.print(`  into ${displayText(relative(io.cwd, directory) || '.')}/`);
  out.print(`  ${formatCounted(files, 'file')}, ${formatSize(sizeBytes)}; the mirror keeps no modes`);
  out.print('  Nothing live was touched.');
  printProblems(out, problems, 'not restored:');
  return problems.length === 0 ? exitCodes.ok : exitCodes.incomplete;
}

/** A time as typed, or the moment the mirror had a snapshot's state. */
async function momentOf(context: CommandContext, deps: Session, raw: string | undefined): Promise<Date> {
  const now = context.io.now();
  if (raw === undefined || raw === 'latest') return now;
  const { points } = await listSnapshots(deps, { refresh: 'never', signal: context.signal });
  const point = points.find(({ record }) => record.id === raw || record.label === raw);
  if (point !== undefined) {
    const { rows } = await deps.snapshotIndex.read();
    const row = rows.find(({ event }) => event.event === 'live' && event.id === point.record.id);
    return new Date(row?.at ?? point.record.takenAt);
  }
  const { time } = await parseWhenText(raw, { now });
  if (time !== null) return time;
  throw new HoldfastError('when_invalid', `${JSON.stringify(raw)} is neither a time nor a restore point.`, {
    hint: 'Give a time such as "yesterday 14:00", or an id from: holdfast list',
  });
}
