import { appendFileSync, closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Bench, type Line, type Row, holdfast } from '../bench.ts';
import { incompressibleVault, textVault } from '../corpus.ts';
import { type Contestant, type Figures, race, runOnce } from '../measure.ts';
import { borgCreate, borgInit, folderBytes, gitAdd, gitInit, resticBackup, resticInit } from '../peer-commands.ts';

const seed = 20_261_120;
const hundredThousand = 100_000;

/** A vault that no other row has touched: each row edits its own copy. */
function vaultFor(bench: Bench, row: string, files: number): string {
  return textVault(join(bench.folder, `${row}-${files}`), { files, seed });
}

export const firstSnapshot: Row = {
  id: 'C1',
  title: 'first snapshot, 100,000 files of 4 KB, directory store',
  async run(bench) {
    const vault = vaultFor(bench, 'C1', hundredThousand);
    let last = '';
    const ours: Contestant = {
      name: 'holdfast',
      prepare: () => {
        last = bench.fresh('home');
        rmSync(join(vault, 'state'), { recursive: true, force: true });
      },
      job: () => holdfast(['snapshot', '--json', 'first'], { vault, home: last }),
      check: ({ stdout }) => expectFiles(stdout, hundredThousand),
    };
    const others: Contestant[] = [];
    const repositories = new Map<string, string>();
    const { git, restic, borg } = bench.peers;
    if (restic !== null)
      others.push(
        fresh(
          bench,
          'restic',
          repositories,
          (to) => resticInit(restic, to),
          (from) => resticBackup(restic, from, vault),
        ),
      );
    if (borg !== null)
      others.push(
        fresh(
          bench,
          'borg',
          repositories,
          (to) => borgInit(borg, to),
          (from) => borgCreate(borg, from, vault),
        ),
      );
    if (git !== null)
      others.push(
        fresh(
          bench,
          'git',
          repositories,
          (to) => gitInit(git, to),
          (from) => gitAdd(git, from, vault),
        ),
      );
    const figures = race([ours, ...others], bench.runs);
    rmSync(join(vault, 'state'), { recursive: true, force: true });
    return [
      ...wallAndCpu('C1', figures, 'restic', { wall: 0.5, cpu: 0.5 }),
      ...wallAndCpu('C1', figures, 'git', { wall: 0.45 }),
      ...wallAndCpu('C1', figures, 'borg', { wall: 0.65 }),
      memory('C1', figures, 256),
      ...bytesLines(bench, { store: join(last, 'data'), repositories, vault }),
    ];
  },
};

/** B1: what the first snapshot takes, against restic's repository and git's own undeltified pack. */
function bytesLines(bench: Bench, what: { store: string; repositories: Map<string, string>; vault: string }): Line[] {
  const ours = folderBytes(what.store);
  const lines: Line[] = [];
  const restic = what.repositories.get('restic');
  if (restic !== undefined) lines.push(bytesLine('bytes stored against restic', ours, folderBytes(restic), 1));
  const git = what.repositories.get('git');
  if (git !== undefined && bench.peers.git !== null) {
    const script = `git --git-dir="$1" cat-file --batch-all-objects --batch-check='%(objectname)' | git --git-dir="$1" pack-objects --window=0 --stdout | wc -c`;
    const { stdout } = runOnce({ argv: ['sh', '-c', script, 'sh', git] });
    lines.push(bytesLine("bytes stored against git's undeltified pack", ours, Number(stdout.trim()), 1.05));
  }
  return lines;
}

function bytesLine(what: string, ours: number, theirs: number, target: number): Line {
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return { row: 'B1', what, ours: mib(ours), peer: mib(theirs), value: ours / theirs, unit: 'x', target };
}

export const largeFiles: Row = {
  id: 'C2',
  title: 'first snapshot of 4 GB of large incompressible files; then one byte changed in a file of 2 GB',
  async run(bench) {
    const vault = incompressibleVault(join(bench.folder, 'C2'), { sizesMiB: [2048, 1024, 512, 512], seed });
    let home = '';
    const ours: Contestant = {
      name: 'holdfast',
      prepare: () => {
        // A few large files: deleting them slows nothing down, and keeping them all would fill the disk.
        if (home !== '') rmSync(home, { recursive: true });
        home = bench.fresh('home');
        rmSync(join(vault, 'state'), { recursive: true, force: true });
      },
      job: () => holdfast(['snapshot', '--json', 'first'], { vault, home }),
    };
    let copies = '';
    const copy: Contestant = {
      name: 'sha1sum + cp + fsync',
      prepare: () => {
        if (copies !== '') rmSync(copies, { recursive: true });
        copies = bench.fresh('copy');
      },
      job: () => ({
        argv: [
          'sh',
          '-c',
          'sha1sum "$1"/media-* >/dev/null && for f in "$1"/media-*; do dd if="$f" of="$2/${f##*/}" bs=4M conv=fsync status=none; done',
          'sh',
          vault,
          copies,
        ],
      }),
    };
    const figures = race([ours, copy], Math.min(bench.runs, 3));
    const mine = figures.get('holdfast')!;
    const theirs = figures.get('sha1sum + cp + fsync')!;
    changeOneByte(join(vault, 'media-0.bin'), 1024 ** 3);
    const second = runOnce(holdfast(['snapshot', '--json', 'second'], { vault, home }));
    const storedBytes = Number(lastJson(second.stdout)['stored_bytes']);
    rmSync(join(vault, 'state'), { recursive: true, force: true });
    return [
      {
        row: 'C2',
        what: 'wall against sha1sum + cp + fsync',
        ours: ms(mine.wallMs),
        peer: ms(theirs.wallMs),
        value: mine.wallMs / theirs.wallMs,
        unit: 'x',
        target: 1 / 0.8,
      },
      memory('C2', figures, 256),
      {
        row: 'C2',
        what: 'stored after a one-byte edit in 2 GB',
        ours: `${(storedBytes / 2 ** 20).toFixed(2)} MiB`,
        peer: '',
        value: storedBytes / 2 ** 20,
        unit: 'MiB',
        target: 8,
      },
    ];
  },
};

export const unchanged: Row = {
  id: 'C3',
  title: 'nothing changed, 100,000 files, new process',
  async run(bench) {
    const { vault, contestants } = prepared(bench, 'C3', hundredThousand);
    const figures = race(contestants, bench.runs, 2);
    rmSync(join(vault, 'state'), { recursive: true, force: true });
    return [
      ...wallAndCpu('C3', figures, 'restic', { wall: 0.15 }),
      ...wallAndCpu('C3', figures, 'git', { wall: 2 }),
      memory('C3', figures, 110),
    ];
  },
};

export const tenEdits: Row = {
  id: 'C4',
  title: 'ten files changed, 100,000 files, new process',
  async run(bench) {
    const { vault, home, contestants } = prepared(bench, 'C4', hundredThousand);
    const idle = race(
      [{ name: 'idle', job: () => holdfast(['snapshot', '--json'], { vault, home }) }],
      bench.runs,
      2,
    ).get('idle')!;
    const edited = contestants.map((contestant) => ({ ...contestant, prepare: (run: number) => editTen(vault, run) }));
    const figures = race(edited, bench.runs);
    const mine = figures.get('holdfast')!;
    rmSync(join(vault, 'state'), { recursive: true, force: true });
    return [
      {
        row: 'C4',
        what: 'wall beyond an unchanged run (C3)',
        ours: ms(mine.wallMs),
        peer: ms(idle.wallMs),
        value: mine.wallMs - idle.wallMs,
        unit: 'ms',
        target: 150,
      },
      ...wallAndCpu('C4', figures, 'restic', { wall: 0.2 }),
      memory('C4', figures, 128),
    ];
  },
};

export const millionFiles: Row = {
  id: 'C5',
  title: '1,000,000 files: first, unchanged, ten changed: time a file against 100,000 files',
  async run(bench) {
    const times = [hundredThousand, 10 * hundredThousand].map((files) => {
      const vault = vaultFor(bench, 'C5', files);
      const home = bench.fresh('home');
      rmSync(join(vault, 'state'), { recursive: true, force: true });
      const first = runOnce(holdfast(['snapshot', '--json', 'first'], { vault, home }));
      const contestant = (args: string[], prepare?: (run: number) => void): Contestant => ({
        name: 'holdfast',
        ...(prepare === undefined ? {} : { prepare }),
        job: () => holdfast(['snapshot', '--json', ...args], { vault, home }),
      });
      const idle = race([contestant([])], 3).get('holdfast')!;
      const changed = race([contestant([], (run) => editTen(vault, run))], 3).get('holdfast')!;
      rmSync(join(vault, 'state'), { recursive: true, force: true });
      return { files, first, idle, changed };
    });
    const [small, large] = times as [(typeof times)[0], (typeof times)[0]];
    const line = (what: string, a: { wallMs: number }, b: { wallMs: number }): Line => ({
      row: 'C5',
      what: `${what}: time a file, 1,000,000 against 100,000`,
      ours: ms(b.wallMs),
      peer: ms(a.wallMs),
      value: b.wallMs / large.files / (a.wallMs / small.files),
      unit: 'x',
      target: 1.5,
    });
    const rss = Math.max(large.first.rssMiB, large.idle.rssMiB, large.changed.rssMiB);
    return [
      line('first', small.first, large.first),
      line('unchanged', small.idle, large.idle),
      line('ten changed', small.changed, large.changed),
      {
        row: 'C5',
        what: 'peak memory at 1,000,000 files',
        ours: `${rss.toFixed(0)} MiB`,
        peer: '',
        value: rss,
        unit: 'MiB',
        target: 1024,
      },
    ];
  },
};

/** A vault with a first snapshot, backup and commit of everyone, and a next run of each as contestants. */
function prepared(bench: Bench, row: string, files: number) {
  const vault = vaultFor(bench, row, files);
  const home = bench.fresh('home');
  rmSync(join(vault, 'state'), { recursive: true, force: true });
  const { git, restic } = bench.peers;
  const contestants: Contestant[] = [
    { name: 'holdfast', job: () => holdfast(['snapshot', '--json'], { vault, home }) },
  ];
  runOnce(holdfast(['snapshot', '--json', 'first'], { vault, home }));
  if (restic !== null) {
    const repository = bench.fresh('restic');
    runOnce(resticInit(restic, repository));
    runOnce(resticBackup(restic, repository, vault));
    contestants.push({ name: 'restic', job: () => resticBackup(restic, repository, vault) });
  }
  if (git !== null) {
    const repository = bench.fresh('git');
    runOnce(gitInit(git, repository));
    runOnce(gitAdd(git, repository, vault));
    contestants.push({
      name: 'git',
      job: () => ({
        argv: [git.path, `--git-dir=${repository}`, `--work-tree=${vault}`, 'status', '--porcelain'],
        cwd: vault,
      }),
    });
  }
  return { vault, home, contestants };
}

function fresh(
  bench: Bench,
  name: string,
  repositories: Map<string, string>,
  init: (repository: string) => ReturnType<typeof resticInit>,
  job: (repository: string) => ReturnType<typeof resticInit>,
): Contestant {
  return {
    name,
    prepare: () => {
      const repository = bench.fresh(name);
      repositories.set(name, repository);
      runOnce(init(repository));
    },
    job: () => job(repositories.get(name)!),
  };
}

function wallAndCpu(
  row: string,
  figures: Map<string, Figures>,
  peer: string,
  targets: { wall: number; cpu?: number },
): Line[] {
  const mine = figures.get('holdfast')!;
  const theirs = figures.get(peer);
  if (theirs === undefined) return [];
  const lines: Line[] = [
    {
      row,
      what: `wall against ${peer}`,
      ours: ms(mine.wallMs),
      peer: ms(theirs.wallMs),
      value: mine.wallMs / theirs.wallMs,
      unit: 'x',
      target: targets.wall,
    },
  ];
  if (targets.cpu !== undefined) {
    lines.push({
      row,
      what: `CPU against ${peer}`,
      ours: ms(mine.cpuMs),
      peer: ms(theirs.cpuMs),
      value: mine.cpuMs / theirs.cpuMs,
      unit: 'x',
      target: targets.cpu,
    });
  }
  return lines;
}

function memory(row: string, figures: Map<string, Figures>, target: number): Line {
  const { rssMiB } = figures.get('holdfast')!;
  return { row, what: 'peak memory', ours: `${rssMiB.toFixed(0)} MiB`, peer: '', value: rssMiB, unit: 'MiB', target };
}

function editTen(vault: string, run: number): void {
  for (let i = 0; i < 10; i++) {
    const leaf = i * 613;
    const path = join(
      vault,
      `area-${leaf % 20}`,
      `topic-${Math.floor(leaf / 20) % 50}`,
      `folder-${Math.floor(leaf / 1000)}`,
    );
    appendFileSync(join(path, `note-${leaf * 10}.md`), `\nedit ${run}.${i} ${process.hrtime.bigint()}\n`);
  }
}

function changeOneByte(path: string, position: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, randomBytes(1), 0, 1, position);
  closeSync(fd);
}

function expectFiles(stdout: string, files: number): void {
  const stored = Number(lastJson(stdout)['files']);
  if (stored < files) throw new Error(`the snapshot holds ${stored} files instead of ${files}`);
}

/** The result object, which every command prints last. */
export function lastJson(stdout: string): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}

export function ms(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(0)} ms`;
}
