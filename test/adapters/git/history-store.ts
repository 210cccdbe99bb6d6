import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openObjectWriter } from '../../../src/adapters/objects/open-object-writer.ts';
import { objectIdAt } from '../../../src/format/git/object-id.ts';
import { parsePackIndex } from '../../../src/format/git/pack-index.ts';
import type { GitRepository, HistoryCapture } from '../../../src/ports/git-repository.ts';
import type { KnownObjects, ObjectWriter, SealedPack } from '../../../src/ports/object-writer.ts';
import type { TemporaryRepositories } from './temporary-repository.ts';

/** Captures histories one after another and keeps their packs, as a store would. */
export class HistoryStore {
  readonly ids = new Set<string>();
  readonly packs: SealedPack[] = [];
  readonly known: KnownObjects = {
    has: (ids, start) => this.ids.has(objectIdAt(ids, start)),
    table: () => {
      throw new Error('not asked for here');
    },
  };
  readonly #temporary: TemporaryRepositories;
  #captures = 0;

  constructor(temporary: TemporaryRepositories) {
    this.#temporary = temporary;
  }

  async capture(
    repository: GitRepository,
    options: { previousFingerprint?: string | null; wrap?: (writer: ObjectWriter) => ObjectWriter } = {},
  ): Promise<HistoryCapture & { storedBytes: number }> {
    const directory = this.#temporary.path(`captured-${++this.#captures}`);
    mkdirSync(directory);
    await using writer = openObjectWriter(directory, this.known);
    const capture = await repository.captureHistory({
      writer: options.wrap?.(writer) ?? writer,
      known: this.known,
      previousFingerprint: options.previousFingerprint ?? null,
    });
    if (capture === null) throw new Error('The repository was left out.');
    const packs = [...capture.copiedPacks, ...(await writer.seal())];
    for (const pack of packs) this.#remember(pack);
    return { ...capture, storedBytes: packs.reduce((total, pack) => total + pack.sizeBytes, 0) };
  }

  /** Puts everything captured into a fresh repository, refs and roots in place, and returns what git fsck says. */
  restore(name: string, state: HistoryCapture['state']): { folder: string; fsck: string } {
    const folder = this.#temporary.path(name);
    this.#temporary.git(this.#temporary.root, ['init', '-q', '--bare', folder]);
    for (const pack of this.packs) {
      for (const path of [pack.packPath, pack.indexPath]) {
        copyFileSync(path, join(folder, 'objects', 'pack', path.slice(path.lastIndexOf('/') + 1)));
      }
    }
    if (state.shallow.length > 0) {
      this.#temporary.write(folder, { shallow: state.shallow.map((id) => `${id}\n`).join('') });
    }
    const lines = state.refs.map((ref) => `create ${ref.name}\0${ref.id}\0`);
    state.extraRoots.forEach((id, i) => lines.push(`create refs/extra/${i}\0${id}\0`));
    if (state.head !== null) lines.push(`create refs/extra/head\0${state.head}\0`);
    const input = Buffer.from(lines.join(''), 'latin1');
    execFileSync('git', ['update-ref', '-z', '--stdin'], { cwd: folder, env: this.#temporary.env, input });
    const { status, stdout, stderr } = this.#temporary.tryGit(folder, ['fsck', '--full', '--no-dangling']);
    const fsck = (stdout + stderr).replace(/^notice: HEAD points to an unborn branch .*\n/m, '');
    return { folder, fsck: status === 0 ? fsck : `${status}: ${fsck}` };
  }

  #remember(pack: SealedPack): void {
    this.packs.push(pack);
    const packIndex = parsePackIndex(readFileSync(pack.indexPath), { packSizeBytes: pack.sizeBytes });
    for (let position = 0; position < packIndex.objectCount; position++) this.ids.add(packIndex.idAt(position));
  }
}
