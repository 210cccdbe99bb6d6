import { HoldfastError } from '../../model/errors.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import type { Deps } from '../deps.ts';
import { FileTable } from '../file-table.ts';
import { openTreeReader } from '../read-tree.ts';
import type { ChunkedToRestore, FolderToRestore, LinkToRestore, RestorePlan } from '../restore-plan.ts';
import { assertHoldingIgnored } from '../restore.ts';
import { writeFiles } from '../write-files.ts';
import type { TargetFile } from './state-changes.ts';

/** One file to stage, under a number instead of its name: then no name can clash, be too long, or lead anywhere. */
export interface FileToStage extends TargetFile {
  readonly number: number;
}

export interface StageOptions {
  readonly reader: ObjectReader;
  readonly files: readonly FileToStage[];
  /** Name of the work folder to make in the holding directory. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

const filesInFolder = 1000;
const plainPermissions = { file: 0o644, executable: 0o755, chunked: 0o644, link: 0o777 } as const;

/**
 * Writes the files into a new work folder in the holding directory, every byte proved against its name on the way. Returns the
 * folder's absolute path. Not durable yet.
 * @throws {HoldfastError} what the store cannot give, `disk_full`, `holding_not_ignored`; nothing live was touched then
 */
export async function stageTarget(deps: Deps, options: StageOptions): Promise<string> {
  const plan = await planStaging(options);
  await deps.holdingArea.prepare();
  await assertHoldingIgnored(deps);
  const freeBytes = await deps.holdingArea.freeBytes();
  if (freeBytes !== null && plan.storedBytes > freeBytes) {
    throw new HoldfastError(
      'disk_full',
      `The rollback needs ${plan.storedBytes} bytes beside the live files, and ${freeBytes} are free.`,
      { hint: 'Free some space, or go back with single paths (--path).' },
    );
  }
  await using writer = await deps.holdingArea.begin(options.name);
  const written = await writeFiles(deps, plan, {
    reader: options.reader,
    target: writer,
    sizeBytesMax: freeBytes,
    signal: options.signal,
  });
  assertStaged(written.problems);
  const finished = await writer.finish({ whole: true });
  assertStaged(finished.problems);
  return finished.directory;
}

/** Where a staged file lies in the work folder. */
export function stagedPath(number: number): string {
  return `staged/${Math.floor(number / filesInFolder)}/${number}`;
}

/** Permissions of a file whose metadata is missing: what git gives it. */
export function permissionsOf(target: TargetFile): number {
  return target.permissions ?? plainPermissions[target.kind];
}

async function planStaging({ reader, files, signal }: StageOptions): Promise<RestorePlan> {
  const trees = openTreeReader(reader, { signal });
  const folders: FolderToRestore[] = [];
  const rows = new Map<string, number>();
  const rowOf = (path: string): number => {
    const known = rows.get(path);
    if (known !== undefined) return known;
    const cut = path.lastIndexOf('/');
    const parent = path === '' ? -1 : rowOf(path.slice(0, Math.max(0, cut)));
    rows.set(path, folders.length);
    folders.push({ path, parent, permissions: null, mtimeMs: null });
    return folders.length - 1;
  };
  rowOf('staged');
  const table = new FileTable();
  const links: LinkToRestore[] = [];
  const chunked: ChunkedToRestore[] = [];
  let storedBytes = 0;
  for (const file of files) {
    const path = stagedPath(file.number);
    const folder = rowOf(path.slice(0, path.lastIndexOf('/')));
    const { id, mtimeMs } = file;
    if (file.kind === 'chunked') {
      const { ids, executable } = await trees.chunks(id);
      const permissions = file.permissions ?? (executable ? 0o755 : 0o644);
      chunked.push({ path, folder, chunks: ids, permissions, mtimeMs });
      for (const chunk of ids) storedBytes += sizeIn(reader, chunk);
      continue;
    }
    const at = reader.locate(id);
    if (at === null) throw damaged(1, `the object ${id} is missing from the store`);
    storedBytes += at.end - at.start;
    if (file.kind === 'link') links.push({ path, folder, id, mtimeMs });
    else {
      const name = path.slice(path.lastIndexOf('/') + 1);
      table.add({ folder, name, id, permissions: permissionsOf(file), mtimeMs: mtimeMs ?? Number.NaN, at });
    }
  }
  return { folders, files: table, chunked, links, storedBytes, problems: [] };
}

function sizeIn(reader: ObjectReader, id: ChunkedToRestore['chunks'][number]): number {
  const at = reader.locate(id);
  return at === null ? 0 : at.end - at.start;
}

function assertStaged(problems: readonly { readonly message: string }[]): void {
  if (problems.length > 0) throw damaged(problems.length, problems[0]!.message);
}

function damaged(count: number, first: string): HoldfastError {
  return new HoldfastError(
    'object_corrupt',
    `${count} ${count === 1 ? 'file' : 'files'} of the snapshot cannot be had whole from the store (${first}), so nothing was changed.`,
    {
      hint: 'See what is wrong with: holdfast verify --full   Other paths can be brought back with --path, or with holdfast restore.',
    },
  );
}
