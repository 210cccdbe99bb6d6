import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCommand } from '../../../src/cli/run.ts';
import { fakeIo } from '../../cli/fake-io.ts';
import { manifestOf } from '../../support/manifest.ts';
import { createMemoryStorage } from '../../support/memory-storage.ts';
import { forgedId, type HostileCase } from './cases.ts';
import { foreignControls } from './terminal.ts';

export interface CorpusReport {
  readonly cases: number;
  readonly runs: number;
  readonly failures: readonly string[];
}

/** Every command that reads; `{id}` stands for the forged snapshot. Restores come last: what they leave is looked at. */
const commandLines: readonly (readonly string[])[] = [
  ['list'],
  ['ls', '-r', '.', '{id}'],
  ['cat', 'a', '{id}'],
  ['diff', 'honest', '{id}'],
  ['find', 'a'],
  ['log', 'a'],
  ['status'],
  ['verify', '--full'],
  ['export', '{id}'],
  ['rollback', '{id}'],
  ['restore', '--all', '--validate-only', '{id}'],
  ['restore', '--all', '{id}'],
];

const onTerminals: readonly (readonly string[])[] = [
  ['list'],
  ['ls', '-r', '.', '{id}'],
  ['diff', 'honest', '{id}'],
  ['restore', '--all', '{id}'],
];

/** One of RELIABILITY section 0 that a hostile input may end with; 70 is a bug of ours wherever it comes up. */
const codes = new Set([0, 1, 2, 3, 4, 7]);

/** Runs every reading command on every case, in a folder among things nobody may touch. */
export async function runCases(
  folder: string,
  cases: readonly HostileCase[],
  progress: (done: number) => void,
): Promise<CorpusReport> {
  const honest = await prepareHonest(join(folder, 'honest'));
  const failures: string[] = [];
  let runs = 0;
  for (const [number, one] of cases.entries()) {
    const place = join(folder, 'case');
    cpSync(honest, place, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    const report = await runCase(place, one);
    runs += report.runs;
    for (const failure of report.failures) {
      failures.push(
        `${one.group} ${one.name}: ${failure}\nreplay: npm run proof -- --rig hostile --only ${JSON.stringify(one.name)}`,
      );
    }
    rmSync(place, { recursive: true, force: true });
    if (number % 50 === 49) progress(number + 1);
  }
  return { cases: cases.length, runs, failures };
}

/** A vault with a snapshot, a store, a home, and a canary tree around them. */
export async function prepareHonest(folder: string): Promise<string> {
  for (const name of ['vault', 'home', 'canary/deep']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'canary', 'deep', 'bird'), 'sings');
  writeFileSync(join(folder, 'vault', 'a'), 'honest\n');
  const { code, errors } = await runIn(folder, ['snapshot', 'honest'], false);
  if (code !== 0) throw new Error(`no honest snapshot: ${errors.toString()}`);
  return folder;
}

async function runCase(place: string, one: HostileCase): Promise<{ runs: number; failures: string[] }> {
  const storage = createMemoryStorage();
  const row = one.plant(storage);
  for (const key of storage.keys()) {
    const path = join(place, 'store', key.replaceAll(':', '-'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, storage.peek(key)!);
  }
  if (typeof row === 'string') appendFileSync(join(place, 'vault/state/log/snapshots.ndjson'), row);
  const failures: string[] = [];
  let runs = 0;
  for (const isTerminal of [false, true]) {
    for (const words of isTerminal ? onTerminals : commandLines) {
      const line = words.map((word) => (word === '{id}' ? forgedId : word));
      runs++;
      const before = canaries(place);
      const { code, text, errors } = await runIn(place, line, isTerminal);
      const told = judge({ one, words, code, place });
      if (told !== null) failures.push(`${words.join(' ')}: ${told}: ${errors.toString().slice(0, 200)}`);
      if (canaries(place) !== before) failures.push(`${words.join(' ')}: touched something outside (P4, P5)`);
      // Into a pipe, contents and patches go as they are, for the program behind it; everything else is ours to make inert.
      const isContent = words[0] === 'cat' || (!isTerminal && (words[0] === 'diff' || words[0] === 'restore'));
      const printed = isContent ? errors : Buffer.concat([text, errors]);
      const foreign = foreignControls(printed, { isTerminal });
      if (foreign.length > 0)
        failures.push(`${words.join(' ')}${isTerminal ? ' on a terminal' : ''} printed ${foreign.join(' ')} (P11)`);
      rmSync(join(place, 'vault', '_restore'), { recursive: true, force: true });
    }
  }
  return { runs, failures };
}

function judge(run: { one: HostileCase; words: readonly string[]; code: number; place: string }): string | null {
  const { one, words, code } = run;
  if (!codes.has(code)) return `ended with ${code}`;
  const restored = restoredFolders(run.place);
  const isWhole = restored.some((name) => !name.endsWith('.INCOMPLETE'));
  const isForged = words.includes('{id}');
  const command = words[0]!;
  if (one.expect === 'log')
    return code === 0 || (isForged && (code === 4 || code === 1))
      ? null
      : `a line of the log cost more than itself (${code})`;
  if (one.expect === 'refused' || one.expect === 'refused by restore') {
    if (command === 'restore' && isWhole) return `passed off as whole (${code})`;
    const isProving = words.includes('--validate-only') && one.expect === 'refused by restore';
    if (command === 'restore' && !isProving && ![1, 3, 4, 7].includes(code)) return `expected 7, got ${code}`;
    if (command === 'verify' && code !== 7 && one.expect === 'refused') return `expected 7, got ${code}`;
  }
  if (one.expect === 'whole' && ['restore', 'verify', 'ls', 'list'].includes(command) && code !== 0 && code !== 3) {
    return `is legal, and ended with ${code}`;
  }
  return null;
}

function restoredFolders(place: string): string[] {
  const folder = join(place, 'vault', '_restore');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name !== '.gitignore') : [];
}

/** Everything but our own places, as one text. */
function canaries(place: string): string {
  const own = new Set(['vault/_restore', 'vault/state', 'store', 'home']);
  const manifest = manifestOf(place, (path) => own.has(path) || path.endsWith('.bundle'));
  return [...manifest]
    .filter(([path]) => path !== 'vault')
    .map(([path, { content, mode, mtimeNs }]) => `${path}\0${content}\0${mode}\0${mtimeNs}`)
    .sort()
    .join('\n');
}

async function runIn(place: string, words: readonly string[], isTerminal: boolean) {
  const io = fakeIo({
    cwd: join(place, 'vault'),
    home: join(place, 'home'),
    env: {
      HOME: join(place, 'home'),
      XDG_DATA_HOME: join(place, 'home', 'data'),
      HOLDFAST_MACHINE: 'desk',
      GIT_CONFIG_NOSYSTEM: '1',
    },
    ...(isTerminal ? { columns: 80 } : {}),
  });
  const code = await runCommand([...words, '--store', join(place, 'store')], io);
  return { code, text: Buffer.from(io.printed()), errors: Buffer.from(io.complained()) };
}
