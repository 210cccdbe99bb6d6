/* node test/proof/hostile/play.ts [TEXT]: the hostile cases whose name contains TEXT. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostileCases } from './cases.ts';
import { runCases } from './run-cases.ts';

const text = process.argv[2] ?? '';
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-hostile-')));
try {
  const { cases, runs, failures } = await runCases(
    folder,
    hostileCases().filter(({ name }) => name.includes(text)),
    () => undefined,
  );
  console.log(failures.join('\n') || `${cases} cases, ${runs} runs, nothing came of them`);
  process.exitCode = failures.length === 0 && cases > 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
