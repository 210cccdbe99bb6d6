import { closeSync, fchmodSync, lutimesSync, symlinkSync } from 'node:fs';
import { type ByteString, bytesOf } from '../../lib/bytes.ts';
import { windowsNameProblem } from '../../model/path-policy.ts';
import type { Problem } from '../../model/problem.ts';
import type { FileToWrite, HoldingWriter, PackedBatch } from '../../ports/holding-area.ts';
import { writeFully } from '../fs/durable-write.ts';
import { mapFsError } from '../fs/map-fs-error.ts';
import { createFile, discardFile, setTime, timeOf, type UmaskMemo } from './create-file.ts';
import { CreatedFolders } from './created-folders.ts';
import { giveFinalName } from './final-name.ts';
import { openOwnFolder, type RestoreRoot } from './own-folder.ts';
import { createUnderFreeName, describeAlias, describeRefusal } from './target-name.ts';
import { makeWriteJob, splitPath } from './write-job.ts';
import { WritePool } from './write-pool.ts';

export interface HoldingWriterOptions {
  /** The holding directory. */
  readonly area: RestoreRoot;
  /** The new folder in it, already made under a name ending in `.INCOMPLETE`. */
  readonly root: RestoreRoot;
  /** Skip names that Windows cannot hold or would take for devices and streams. */
  readonly windowsNames: boolean;
}

interface Link {
  readonly path: ByteString;
  readonly target: ByteString;
  readonly mtimeMs: number | null;
}

interface FolderState {
  readonly path: ByteString;
  readonly permissions: number;
  readonly mtimeMs: number | null;
}

/**
 * Writes one restore into its own new folder; the port says what it promises. Files are not fsynced one by one (that costs
 * 25 times the writing, and everything here can be restored again); names are made durable before the final rename.
 */
export class DirectoryHoldingWriter implements HoldingWriter {
  readonly #area: RestoreRoot;
  readonly #folders: CreatedFolders;
  readonly #pool: WritePool;
  readonly #umask: UmaskMemo = new Map();
  readonly #links: Link[] = [];
  readonly #folderStates: FolderState[] = [];
  readonly #problems: Problem[] = [];
  readonly #windowsNames: boolean;
  readonly #refused = new Set<ByteString>();
  #root: RestoreRoot;

  constructor(options: HoldingWriterOptions) {
    this.#area = options.area;
    this.#root = options.root;
    this.#folders = new CreatedFolders(options.root);
    this.#pool = new WritePool(options.root);
    this.#windowsNames = options.windowsNames;
  }

  get directory(): string {
    return bytesOf(this.#root.path).toString('utf8');
  }

  createFolder(path: ByteString): void {
    if (this.#isRefused(path)) return;
    try {
      const problem = this.#folders.create(path);
      if (problem !== null) this.#problems.push(problem);
    } catch (error) {
      throw mapFsError(error, 'create a restored folder');
    }
  }

  async writePacked(batch: PackedBatch): Promise<readonly Problem[]> {
    const files = batch.files.filter((file) => !this.#isRefused(file.path));
    if (files.length === 0) return [];
    try {
      const job = makeWriteJob({ bytes: batch.bytes, files }, (path) => this.#folders.get(path));
      const findings = await this.#pool.write(job);
      return findings.map(({ file, code, message }) => ({ path: files[file]!.path, code, message }));
    } catch (error) {
      throw mapFsError(error, 'write the restored files');
    }
  }

  async writeFile(
    file: Omit<FileToWrite, 'start' | 'end' | 'id'>,
    pieces: AsyncIterable<Uint8Array>,
  ): Promise<readonly Problem[]> {
    const { path } = file;
    if (this.#isRefused(path)) return [];
    const { folder: folderPath, name } = splitPath(path);
    try {
      using folder = openOwnFolder(this.#root, this.#folders.get(folderPath));
      const created = createFile(folder, name, { path, permissions: file.permissions, umask: this.#umask });
      try {
        for await (const piece of pieces) writeFully(created.fd, piece);
        setTime(created.fd, file.mtimeMs);
      } catch (error) {
        // Half a file must not be taken for one, even in a folder that says it is incomplete.
        discardFile(folder, created);
        throw error;
      } finally {
        closeSync(created.fd);
      }
      if (created.reason === null) return [];
      return [{ path, code: created.reason, message: describeAlias(created.reason, created.name) }];
    } catch (error) {
      const refusal = describeRefusal(error);
      if (refusal !== null) return [{ path, code: 'not_restored', message: refusal }];
      throw mapFsError(error, 'write a restored file');
    }
  }

  addLink(path: ByteString, target: ByteString, mtimeMs: number | null): void {
    if (!this.#isRefused(path)) this.#links.push({ path, target, mtimeMs });
  }

  setFolder(path: ByteString, permissions: number, mtimeMs: number | null): void {
    if (!this.#isRefused(path)) this.#folderStates.push({ path, permissions, mtimeMs });
  }

  async finish(options: { whole: boolean }): Promise<{ directory: string; problems: readonly Problem[] }> {
    await this[Symbol.asyncDispose]();
    try {
      for (const link of this.#links.splice(0)) this.#makeLink(link);
      this.#setFolders();
      const isWhole = options.whole && !this.#problems.some((problem) => problem.code === 'not_restored');
      if (isWhole) this.#root = giveFinalName(this.#area, this.#root);
    } catch (error) {
      throw mapFsError(error, 'finish the restore');
    }
    return { directory: this.directory, problems: this.#problems };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#folders[Symbol.dispose]();
    await this.#pool[Symbol.asyncDispose]();
  }

  /** True, and said once, for a path with a name that must not be made here. */
  #isRefused(path: ByteString): boolean {
    if (!this.#windowsNames) return false;
    const reason =
      path
        .split('/')
        .map(windowsNameProblem)
        .find((problem) => problem !== null) ?? null;
    if (reason === null) return false;
    if (!this.#refused.has(path)) {
      this.#refused.add(path);
      this.#problems.push({ path, code: 'not_restored', message: `left out on Windows: ${reason}` });
    }
    return true;
  }

  #makeLink(link: Link): void {
    const { folder: folderPath, name } = splitPath(link.path);
    using folder = openOwnFolder(this.#root, this.#folders.get(folderPath));
    try {
      const made = createUnderFreeName(name, link.path, (candidate) => {
        symlinkSync(bytesOf(link.target), folder.pathOf(candidate));
      });
      const { path } = link;
      if (made.reason !== null) {
        this.#problems.push({ path, code: made.reason, message: describeAlias(made.reason, made.name) });
      }
      if (link.mtimeMs !== null) lutimesSync(folder.pathOf(made.name), timeOf(link.mtimeMs), timeOf(link.mtimeMs));
    } catch (error) {
      const refusal = describeRefusal(error);
      if (refusal === null) throw error;
      this.#problems.push({ path: link.path, code: 'not_restored', message: refusal });
    }
  }

  /** Deepest first: setting a folder's permissions must not lock out work below it. */
  #setFolders(): void {
    const states = this.#folderStates.splice(0);
    states.sort((a, b) => depthOf(b.path) - depthOf(a.path));
    for (const { path, permissions, mtimeMs } of states) {
      using folder = openOwnFolder(this.#root, this.#folders.get(path));
      if (folder.descriptor === null) continue;
      // The owner keeps every right, so that the restore can always be looked at and removed.
      if ((permissions & 0o777) !== 0o700) fchmodSync(folder.descriptor, (permissions & 0o777) | 0o700);
      setTime(folder.descriptor, mtimeMs);
    }
  }
}

function depthOf(path: ByteString): number {
  let depth = 0;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth++;
  return depth;
}
