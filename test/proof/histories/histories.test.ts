import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** The modules of the product must get the simulated file system before anything loads them: a process of its own. */
test('P1 to P10 hold in the histories that once broke them, and in some that nobody has seen', () => {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'play.ts'), '1', '60'], { encoding: 'utf8' });
  expect(`${run.stdout}${run.stderr}`).toMatch(/^kept \d+, 60 histories, all promises kept\n$/);
}, 60_000);
