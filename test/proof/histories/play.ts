/* node test/proof/histories/play.ts SEED COUNT [rough]: the kept histories, then COUNT random ones; for those who work on the model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { playHistories } from './rig.ts';

const [seed = '1', count = '100', rough] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-histories-'));
try {
  const options = { nightly: false, seed: Number(seed), only: null, folder, progress: () => undefined };
  const { failures, figures } = await playHistories(options, Number(count), rough === 'rough');
  const [histories, , kept] = figures!;
  console.log(failures.join('\n') || `kept ${kept!.count}, ${histories!.count} histories, all promises kept`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
