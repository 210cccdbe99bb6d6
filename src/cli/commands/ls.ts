import { type Browser, type ListedEntry, openBrowser } from '../../engine/browse.ts';
import { readEntrySizes } from '../../engine/object-sizes.ts';
import type { SnapshotEntry } from '../../engine/read-tree.ts';
import { displayName, jsonPath } from '../../format/display-name.ts';
import { formatSize } from '../../format/size.ts';
import { formatMinute } from '../../model/when.ts';
import { describePoint } from '../choose-point.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { askedWords, openPoints, readPathAndPoint } from '../points-at-hand.ts';

// Sizes are looked up for many entries at once; output starts after the first of these batches.
const batchMax = 2000;

export const command: Command = {
  name: 'ls',
  summary: 'list the files of a restore point',
  description: [
    'Lists a folder of a restore point (the vault, unless one is named), or shows one file. Folders end in a slash.',
  ],
  arguments: [
    { name: '[path]', summary: 'folder or file (default: the vault)' },
    { name: '[when]', summary: 'id, label, time or latest (default: latest)', completes: 'snapshot' },
  ],
  options: [
    { flags: '-l, --long', summary: 'with permissions, sizes and times' },
    { flags: '-r, --recursive', summary: 'everything below, too' },
  ],
  examples: [
    { command: 'holdfast ls', means: 'the top of the newest restore point' },
    { command: 'holdfast ls -l notes yesterday', means: 'a folder as it was' },
  ],
  async run(context) {
    const { args, out, io, signal } = context;
    const isLong = context.flag('long');
    await using deps = await context.openSession();
    const at = await openPoints(context, deps, askedWords(context));
    const { path, chosen } = await readPathAndPoint(at, args);
    const browser = openBrowser(at.reader, chosen.point.record, { signal });
    out.note(`  ${describePoint(chosen, io.now())}`);
    let count = 0;
    let batch: ListedEntry[] = [];
    const flush = async (): Promise<void> => {
      await printBatch(out, batch, { browser, isLong, signal });
      count += batch.length;
      batch = [];
    };
    for await (const entry of browser.list(path ?? '', { recursive: context.flag('recursive') })) {
      batch.push(entry);
      if (batch.length >= batchMax) await flush();
    }
    await flush();
    out.result({ command: 'ls', id: chosen.point.record.id, count });
    return exitCodes.ok;
  },
};

async function printBatch(
  out: Output,
  batch: readonly ListedEntry[],
  options: { browser: Browser; isLong: boolean; signal: AbortSignal },
): Promise<void> {
  const { browser, isLong, signal } = options;
  const entries = batch.flatMap(({ entry }) => entry ?? []);
  const sizes = isLong ? await readEntrySizes(browser, entries, { signal }) : new Map<string, number>();
  for (const listed of batch) {
    const sizeBytes = listed.entry === null ? undefined : sizes.get(listed.entry.id);
    if (out.json) out.row('entry', entryFields(listed, sizeBytes));
    else out.print(isLong ? longLine(out, listed, sizeBytes) : nameOf(out, listed));
  }
  await out.ready();
}

function entryFields(
  { path, entry, permissions, mtimeMs }: ListedEntry,
  sizeBytes: number | undefined,
): Record<string, unknown> {
  return {
    ...jsonPath(path),
    kind: kindOf(entry),
    object: entry?.id ?? null,
    mode: permissions === null ? null : permissions.toString(8).padStart(4, '0'),
    modified_at: mtimeMs === null ? null : new Date(mtimeMs).toISOString(),
    ...(sizeBytes === undefined ? {} : { size_bytes: sizeBytes }),
  };
}

function kindOf(entry: SnapshotEntry | null): 'file' | 'link' | 'folder' {
  if (entry === null || entry.kind === 'folder') return 'folder';
  return entry.kind === 'link' ? 'link' : 'file';
}

function longLine(out: Output, listed: ListedEntry, sizeBytes: number | undefined): string {
  const size = (sizeBytes === undefined ? '-' : formatSize(sizeBytes)).padStart(8);
  const time = listed.mtimeMs === null ? '-'.padEnd(16) : formatMinute(new Date(listed.mtimeMs));
  return `${modeText(listed)}  ${size}  ${time}  ${nameOf(out, listed)}`;
}

/** "-rw-r--r--", as ls writes it. */
function modeText({ entry, permissions }: ListedEntry): string {
  const kind = kindOf(entry);
  const letter = kind === 'folder' ? 'd' : kind === 'link' ? 'l' : '-';
  if (permissions === null) return `${letter}?????????`;
  const bits = Array.from('rwxrwxrwx', (bit, i) => ((permissions >> (8 - i)) & 1 ? bit : '-'));
  return letter + bits.join('');
}

function nameOf(out: Output, { path, entry }: ListedEntry): string {
  const name = displayName(path);
  if (kindOf(entry) === 'folder') return out.paint('blue', `${name}/`);
  if (entry?.kind === 'link') return out.paint('cyan', name);
  return entry?.kind === 'executable' ? out.paint('green', name) : name;
}
