/*
 * `npm run soak [seconds]`: a real watcher on a real vault of some thousand files while other processes edit, rename, delete, burst and
 * kill. Ends by itself (after 120 s unless told), prints what it saw, and exits 1 when a limit is broken.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const seconds = Number(process.argv[2] ?? 120);
const program = resolve(import.meta.dirname, '../../bin/holdfast.js');
const folder = mkdtempSync(join(tmpdir(), 'holdfast-soak-'));
const root = join(folder, 'vault');
const env = { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: join(folder, 'data'), NO_COLOR: '1' };
const limits = { missed: 0, idleSnapshots: 0, memoryMiBSlope: 40, descriptorsGrowth: 40 };

for (let i = 0; i < 4000; i++) {
  const path = join(root, `d${i % 80}`);
  if (i < 80) mkdirSync(path, { recursive: true });
  writeFileSync(join(path, `note-${i}.md`), `note ${i}\n`.repeat(10));
}

let taken = 0;
let ready = 0;
function startWatch() {
  const child = spawn(process.execPath, [program, 'watch', '--json', '--quiet-period', '500ms', '--vault', root], {
    env,
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    taken += text.split('"event":"taken"').length - 1;
    ready += text.split('"event":"ready"').length - 1;
  });
  child.stderr.resume();
  return child;
}

function usage(pid: number): { memoryMiB: number; descriptors: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const memoryMiB = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  return { memoryMiB, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

async function until(isTrue: () => boolean, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!isTrue() && performance.now() < endMs) await sleep(50);
}

function edit(round: number): void {
  const path = (n: number): string => join(root, `d${n % 80}`);
  appendFileSync(join(path(round), `note-${round % 4000}.md`), `edit ${round}\n`);
  writeFileSync(join(path(round + 1), '.save~'), `atomic ${round}`);
  renameSync(join(path(round + 1), '.save~'), join(path(round + 1), `atomic-${round % 50}.md`));
  if (round % 5 === 0) {
    mkdirSync(join(root, `new-${round}/deep/er`), { recursive: true });
    writeFileSync(join(root, `new-${round}/deep/er/file`), String(round));
  }
  if (round % 7 === 0 && round >= 5) renameSync(join(root, `new-${round - (round % 5)}`), join(root, `moved-${round}`));
  if (round % 11 === 0) for (let i = 0; i < 500; i++) writeFileSync(join(path(round), `burst-${i}`), `${round} ${i}`);
  if (round % 13 === 0) rmSync(join(root, `moved-${round - (round % 7)}`), { recursive: true, force: true });
}

let child = startWatch();
await until(() => ready > 0, 60_000);
const samples = [usage(child.pid!)];
const endMs = performance.now() + seconds * 1000;
for (let round = 1; performance.now() < endMs; round++) {
  try {
    edit(round);
  } catch {
    // An edit that no longer fits what is there (the folder moved on) is no edit.
  }
  await sleep(round % 4 === 0 ? 1500 : 120);
  if (round % 40 === 0) {
    samples.push(usage(child.pid!));
    const before = ready;
    child.kill('SIGKILL');
    await sleep(100);
    child = startWatch();
    await until(() => ready > before, 60_000);
  }
}
const beforeQuiet = taken;
await until(() => taken > beforeQuiet, 5000);
await sleep(3000);
const settled = taken;
await sleep(10_000);
const idleSnapshots = taken - settled;
samples.push(usage(child.pid!));
child.kill('SIGTERM');
await sleep(1000);

// What the newest snapshot lacks of the disk: the log grows with each command and is no change.
const run = (...args: string[]): string =>
  execFileSync(process.execPath, [program, ...args, '--vault', root], { env, encoding: 'utf8' });
const lines = run('diff', '--json')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { type: string; path?: string });
const missed = lines.filter(({ type, path }) => type === 'change' && path?.startsWith('state/') !== true).length;
const memoryMiBSlope = samples.at(-1)!.memoryMiB - samples[0]!.memoryMiB;
const descriptorsGrowth = samples.at(-1)!.descriptors - samples[0]!.descriptors;
const found = { missed, idleSnapshots, memoryMiBSlope, descriptorsGrowth };
process.stdout.write(`${taken} snapshots in ${seconds} s\n`);
let isBroken = false;
for (const [name, limit] of Object.entries(limits)) {
  const value = found[name as keyof typeof found];
  const isOver = value > limit;
  isBroken ||= isOver;
  process.stdout.write(`${isOver ? 'BROKEN ' : 'ok     '}${name}: ${Math.round(value)} (at most ${limit})\n`);
}
rmSync(folder, { recursive: true, force: true });
process.exit(isBroken ? 1 : 0);
