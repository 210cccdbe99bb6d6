import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { holdfast } from './bench.ts';
import { textVault } from './corpus.ts';
import { runOnce } from './measure.ts';

/** A small vault with many snapshots of small edits, made once by the program itself. */
export async function manySnapshots(folder: string, count: number): Promise<{ vault: string; home: string }> {
  const home = join(folder, 'home');
  const marker = join(folder, `made-${count}`);
  const vault = join(folder, 'vault');
  if (existsSync(marker)) return { vault, home };
  mkdirSync(home, { recursive: true });
  textVault(vault, { files: 500, seed: 7 });
  for (let i = 0; i < count; i++) {
    appendFileSync(join(vault, `area-${i % 20}`, 'topic-0', 'folder-0', `note-${(i % 20) * 10}.md`), `\nedit ${i}\n`);
    runOnce(holdfast(['snapshot', `edit ${i}`], { vault, home }));
  }
  writeFileSync(marker, '');
  return { vault, home };
}
