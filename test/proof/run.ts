/*
 * npm run proof                     the set of every push: at most 6 minutes on 2 cores
 * npm run proof -- --nightly        the large one
 * npm run proof -- --rig crash      one rig (repeatable)
 * npm run proof -- --only TEXT      only the cases whose name contains this, as a failure says
 * npm run proof -- --seed N         the random choices of an earlier run
 * npm run proof -- --page FILE      the page into a file as well
 */
import { fork, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { failuresOf, type PageRow, renderPage } from './page.ts';
import type { RigMessage, RigOrder } from './run-rig.ts';
import { rigs, type RigEntry } from './rigs.ts';

/** Rigs side by side: each keeps one core busy. */
const lanes = 2;

const { values } = parseArgs({
  options: {
    nightly: { type: 'boolean', default: false },
    rig: { type: 'string', multiple: true },
    only: { type: 'string' },
    seed: { type: 'string' },
    page: { type: 'string' },
  },
});
const unknown = (values.rig ?? []).filter((name) => rigs.every((rig) => rig.name !== name));
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (unknown.length > 0 || !Number.isSafeInteger(seed)) {
  console.error(`Usage: npm run proof -- [--nightly] [--rig ${rigs.map(({ name }) => name).join('|')}] [--only TEXT]`);
  console.error(`       [--seed WHOLE-NUMBER] [--page FILE]`);
  process.exit(2);
}

const chosen = rigs.filter(({ name }) => values.rig?.includes(name) ?? true);
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-proof-')));
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const startedMs = performance.now();
const queue = chosen.toSorted((a, b) => b.seconds - a.seconds);
const rows: PageRow[] = [];
await Promise.all(
  Array.from({ length: lanes }, async () => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) rows.push(await runRig(entry));
  }),
);
rows.sort((a, b) => orderOf(a.name) - orderOf(b.name));

const head = {
  commit: commitOf(),
  set: values.nightly ? 'nightly' : 'push',
  at: new Date(),
  machine: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'cpu'} · Node ${process.version} · ${process.platform} ${release()}`,
  seconds: (performance.now() - startedMs) / 1000,
  isPartial: values.only !== undefined,
} as const;
const page = renderPage(head, rows);
process.stdout.write(page);
if (values.page !== undefined) writeFileSync(values.page, page);
process.exitCode = rows.some((row) => failuresOf(row, head.isPartial).length > 0) ? 1 : 0;

/** Runs a rig in a process of its own; one that dies is red. */
async function runRig({ name }: RigEntry): Promise<PageRow> {
  const ownFolder = join(folder, name);
  mkdirSync(ownFolder);
  const order: RigOrder = {
    rig: name,
    nightly: values.nightly,
    seed,
    only: values.only ?? null,
    folder: ownFolder,
  };
  const fromMs = performance.now();
  const child = fork(join(import.meta.dirname, 'run-rig.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let answer: Extract<RigMessage, { kind: 'result' }> | null = null;
  child.on('message', (message: RigMessage) => {
    if (message.kind === 'result') answer = message;
    else process.stderr.write(`${name}: ${message.text}\n`);
  });
  child.send(order);
  const how = await new Promise<string>((done) => {
    child.once('close', (code, signal) => done(signal ?? `code ${code}`));
  });
  rmSync(ownFolder, { recursive: true, force: true, maxRetries: 3 });
  const seconds = (performance.now() - fromMs) / 1000;
  const { title, result } = (answer as Extract<RigMessage, { kind: 'result' }> | null) ?? {
    title: name,
    result: { checks: 0, seeds: [seed], failures: [`the rig's process ended with ${how} and no result`], notes: [] },
  };
  return { name, title, seconds, result };
}

function orderOf(name: string): number {
  return rigs.findIndex((rig) => rig.name === name);
}

function commitOf(): string {
  const git = (...args: string[]): string =>
    spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).stdout?.trim() ?? '';
  const commit = git('rev-parse', '--short=10', 'HEAD');
  if (commit === '') return 'unknown';
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}+`;
}
