import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decodeRecord, encodeRecord } from '../../src/format/snapshot-record.ts';
import { type Label, type SnapshotId, slugOfLabel } from '../../src/model/ids.ts';
import { holdfast } from './bench.ts';
import { textVault } from './corpus.ts';
import { runOnce } from './measure.ts';

const hourMs = 3_600_000;

/** A vault with `count` restore points: one real snapshot, and records made from it, one for each hour before. */
export async function forgedPoints(
  folder: string,
  count: number,
): Promise<{ vault: string; home: string; store: string }> {
  const [home, vault, root] = [join(folder, 'home'), join(folder, 'vault'), join(folder, 'store')];
  const store = pathToFileURL(root).href;
  const marker = join(folder, `made-${count}`);
  if (existsSync(marker)) return { vault, home, store };
  for (const path of [home, root]) mkdirSync(path, { recursive: true });
  textVault(vault, { files: 200, seed: 7 });
  runOnce(holdfast(['snapshot', 'the newest', '--store', store], { vault, home }));
  const snapshots = join(root, 'snapshots');
  const folderName = readdirSync(snapshots)[0]!;
  const bytes = readFileSync(join(snapshots, folderName, 'snapshot.json'));
  const { id } = JSON.parse(bytes.toString()) as { id: SnapshotId };
  const real = decodeRecord(bytes, id);
  for (let i = 1; i < count; i++) {
    const taken = new Date(Date.parse(real.takenAt) - i * hourMs).toISOString();
    const label = (i % 10 === 0 ? `before step ${i}` : 'auto-desk') as Label;
    const forged = `${taken.slice(0, 19)}Z-${slugOfLabel(label)}` as SnapshotId;
    const own = join(snapshots, folderName.includes(':') ? forged : forged.replaceAll(':', '-'));
    mkdirSync(own, { recursive: true });
    const kind = i % 10 === 0 ? 'manual' : 'auto';
    writeFileSync(
      join(own, 'snapshot.json'),
      encodeRecord({ ...real, id: forged, label, kind, takenAt: taken, packs: [], base: null }),
    );
  }
  // Fills what this machine remembers of the store.
  runOnce(holdfast(['list', '-n', '1', '--store', store], { vault, home }));
  writeFileSync(marker, '');
  return { vault, home, store };
}
