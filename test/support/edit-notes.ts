import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SeededRandom } from './random.ts';
import type { TestVault } from './test-vault.ts';

/** The files of a vault, as whoever writes them knows them. */
export interface Notes {
  readonly files: Map<string, Buffer>;
  /** How many there ever were. */
  made: number;
}

/** What people and agents do to notes: change lines, add files, throw some away, drop in a picture now and then. */
export function editNotes(vault: TestVault, notes: Notes, chance: SeededRandom): void {
  const { files } = notes;
  const write = (path: string, content: Buffer): void => {
    files.set(path, content);
    vault.write(path, content);
  };
  const create = (): void => {
    const number = notes.made++;
    const folder = ['notes', 'daily', 'projects/alpha', 'projects/beta'][number % 4]!;
    write(`${folder}/note ${number}.md`, Buffer.concat([Buffer.from(`# ${number}\n`), chance.text(2000)]));
  };
  while (files.size < 12) create();
  const texts = [...files.keys()].filter((path) => path.endsWith('.md'));
  for (let i = 0; i <= chance.int(3); i++) {
    const path = chance.pick(texts);
    const before = files.get(path)!;
    const at = chance.int(before.length);
    write(path, Buffer.concat([before.subarray(0, at), chance.text(60), before.subarray(at)]).subarray(-6000));
  }
  if (chance.int(6) === 0) create();
  if (chance.int(20) === 0) write(`pictures/${notes.made++}.png`, chance.bytes(15_000));
  if (files.size > 24) {
    const path = [...files.keys()][chance.int(10)]!;
    files.delete(path);
    rmSync(join(vault.root, path));
  }
}
