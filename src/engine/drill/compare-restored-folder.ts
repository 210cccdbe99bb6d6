import { objectIdOf } from '../../format/git/object-id.ts';
import { displayName } from '../../format/display-name.ts';
import type { ByteString } from '../../lib/bytes.ts';
import type { ObjectId } from '../../model/ids.ts';
import type { ObjectReader } from '../../ports/object-reader.ts';
import type { RestoredEntry, RestoredFolder } from '../../ports/rehearsal.ts';
import { readBlobs } from '../read-file.ts';
import type { RestorePlan } from '../restore-plan.ts';

/** What comparing one aspect of a restored folder with its snapshot gave. */
export interface Comparison {
  readonly checked: number;
  readonly different: number;
  /** The first few differences, as sentences fit for a terminal. */
  readonly examples: readonly string[];
}

export interface FolderComparison {
  /** Every byte of every file, every link's target, every executable bit, and nothing besides. */
  readonly files: Comparison;
  /** Times, permission bits, empty folders. */
  readonly metadata: Comparison;
}

export interface CompareOptions {
  readonly reader: ObjectReader;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then: tells how far it is and gives other work of this thread its turn. */
  readonly pause: (done: number, total: number) => Promise<void>;
}

const examplesMax = 5;
/** A larger file is compared piece by piece with what the store has. */
const wholeBytesMax = 64 * 1024 * 1024;
const filesPerPause = 2000;
/** File systems keep times to different fractions; FAT to two seconds. */
const mtimeMarginMs = 2000;

/**
 * Compares a restored folder with what the plan says it must hold, by reading the disk again: nothing that the restore itself
 * believed is believed here.
 */
export async function compareRestoredFolder(
  folder: RestoredFolder,
  plan: RestorePlan,
  options: CompareOptions,
): Promise<FolderComparison> {
  const run = new FolderCheck(folder, plan, options);
  await run.compareFiles();
  await run.compareChunked();
  await run.compareLinks();
  run.compareFolders();
  run.countExtra();
  return { files: run.files.result(), metadata: run.metadata.result() };
}

class Tally {
  checked = 0;
  different = 0;
  readonly examples: string[] = [];

  /** `difference` is null when all is as it should be. */
  add(path: ByteString, difference: string | null): void {
    this.checked++;
    if (difference !== null) this.differ(`${displayName(path)}: ${difference}`);
  }

  differ(sentence: string): void {
    this.different++;
    if (this.examples.length < examplesMax) this.examples.push(sentence);
  }

  result(): Comparison {
    return { checked: this.checked, different: this.different, examples: this.examples };
  }
}

class FolderCheck {
  readonly files = new Tally();
  readonly metadata = new Tally();
  readonly #folder: RestoredFolder;
  readonly #plan: RestorePlan;
  readonly #options: CompareOptions;

  constructor(folder: RestoredFolder, plan: RestorePlan, options: CompareOptions) {
    this.#folder = folder;
    this.#plan = plan;
    this.#options = options;
  }

  async compareFiles(): Promise<void> {
    const { files } = this.#plan;
    for (let row = 0; row < files.count; row++) {
      if (row % filesPerPause === 0) await this.#pause(row);
      const path = this.#pathIn(files.folders[row]!, files.names[row]!);
      const mtime = files.mtimes[row]!;
      const expected = { permissions: files.permissions[row]!, mtimeMs: Number.isNaN(mtime) ? null : mtime };
      await this.#compareFile(path, [files.id(row)], expected);
    }
  }

  async compareChunked(): Promise<void> {
    for (const { path, chunks, permissions, mtimeMs } of this.#plan.chunked) {
      await this.#pause(this.files.checked);
      await this.#compareFile(path, chunks, { permissions, mtimeMs });
    }
  }

  async compareLinks(): Promise<void> {
    for (const { path, id, mtimeMs } of this.#plan.links) {
      const entry = this.#folder.look(path);
      if (entry?.kind !== 'link') {
        this.files.add(path, 'not a link');
        continue;
      }
      const target = this.#folder.read(path, 0, 64 * 1024);
      this.files.add(path, objectIdOf('blob', target) === id ? null : 'leads elsewhere');
      this.metadata.add(path, timeDifference(entry, mtimeMs));
    }
  }

  compareFolders(): void {
    for (const { path, permissions, mtimeMs } of this.#plan.folders) {
      if (path === '') continue;
      const entry = this.#folder.look(path);
      if (entry?.kind !== 'folder') this.files.add(path, 'not a folder');
      // The owner keeps every right to a restored folder, whatever it had.
      else
        this.metadata.add(path, metadataDifference(entry, permissions === null ? null : permissions | 0o700, mtimeMs));
    }
  }

  countExtra(): void {
    const { files, chunked, links, folders } = this.#plan;
    const expected = files.count + chunked.length + links.length + folders.length - 1;
    const found = this.#folder.countEntries();
    if (found > expected) this.files.differ(`${found - expected} entries that the snapshot does not have`);
  }

  async #compareFile(
    path: ByteString,
    ids: readonly ObjectId[],
    expected: { readonly permissions: number; readonly mtimeMs: number | null },
  ): Promise<void> {
    const entry = this.#folder.look(path);
    if (entry?.kind !== 'file') {
      this.files.add(path, entry === null ? 'not there' : 'not a file');
      return;
    }
    const isExecutable = (entry.permissions & 0o100) !== 0;
    const isRight = isExecutable === ((expected.permissions & 0o100) !== 0);
    const difference = (await this.#hasBytes(path, entry, ids)) ? null : 'other bytes';
    this.files.add(path, difference ?? (isRight ? null : 'another executable bit'));
    this.metadata.add(path, metadataDifference(entry, expected.permissions, expected.mtimeMs));
  }

  async #hasBytes(path: ByteString, entry: RestoredEntry, ids: readonly ObjectId[]): Promise<boolean> {
    const [first, ...others] = ids;
    if (others.length === 0 && first !== undefined && entry.sizeBytes <= wholeBytesMax) {
      return objectIdOf('blob', this.#folder.read(path, 0, entry.sizeBytes)) === first;
    }
    let at = 0;
    for await (const piece of readBlobs(this.#options.reader, ids, { signal: this.#options.signal })) {
      const restored = this.#folder.read(path, at, at + piece.length);
      if (Buffer.compare(restored, piece) !== 0) return false;
      at += piece.length;
    }
    return at === entry.sizeBytes;
  }

  async #pause(done: number): Promise<void> {
    this.#options.signal?.throwIfAborted();
    await this.#options.pause(done, this.#plan.files.count + this.#plan.chunked.length);
  }

  #pathIn(folder: number, name: ByteString): ByteString {
    const { path } = this.#plan.folders[folder]!;
    return path === '' ? name : `${path}/${name}`;
  }
}

function metadataDifference(entry: RestoredEntry, permissions: number | null, mtimeMs: number | null): string | null {
  if (permissions !== null && entry.permissions !== (permissions & 0o777)) {
    return `permissions ${entry.permissions.toString(8)} instead of ${(permissions & 0o777).toString(8)}`;
  }
  return timeDifference(entry, mtimeMs);
}

function timeDifference(entry: RestoredEntry, mtimeMs: number | null): string | null {
  if (mtimeMs === null || Math.abs(entry.mtimeMs - mtimeMs) <= mtimeMarginMs) return null;
  return 'another time of change';
}
