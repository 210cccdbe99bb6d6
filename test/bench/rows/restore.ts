import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runHoldfast } from '../../support/run-holdfast-s3.ts';
import { startS3Server } from '../../support/s3-server/start-s3-server.ts';
import { type Line, type Row, holdfast } from '../bench.ts';
import { textVault } from '../corpus.ts';
import { manySnapshots } from '../many-snapshots.ts';
import { type Contestant, race, runOnce } from '../measure.ts';
import { gitAdd, gitInit, resticBackup, resticInit, resticRestore } from '../peer-commands.ts';
import { lastJson, ms } from './capture.ts';

const files = 100_000;
const seed = 20_261_121;

export const restoreAll: Row = {
  id: 'R1',
  title: 'restore all of 100,000 files, every byte verified',
  async run(bench) {
    const vault = textVault(join(bench.folder, 'R1'), { files, seed });
    rmSync(join(vault, 'state'), { recursive: true, force: true });
    const home = bench.fresh('home');
    runOnce(holdfast(['snapshot', '--json', 'first'], { vault, home }));
    const contestants: Contestant[] = [
      {
        name: 'holdfast',
        job: () => holdfast(['restore', '--json'], { vault, home }),
        check: ({ stdout }) => {
          if (Number(lastJson(stdout)['files']) < files) throw new Error('not every file was restored');
        },
      },
    ];
    const { git, restic } = bench.peers;
    if (restic !== null) {
      const repository = bench.fresh('restic');
      runOnce(resticInit(restic, repository));
      runOnce(resticBackup(restic, repository, vault));
      contestants.push({ name: 'restic', job: () => resticRestore(restic, repository, bench.fresh('restic-restore')) });
    }
    if (git !== null) {
      const repository = bench.fresh('git');
      runOnce(gitInit(git, repository));
      runOnce(gitAdd(git, repository, vault));
      runOnce({ argv: [git.path, `--git-dir=${repository}`, 'repack', '-adq'] });
      const checkout =
        'cd "$3" && tree=$("$1" --git-dir="$2" write-tree) && GIT_INDEX_FILE="$3.index" "$1" --git-dir="$2" read-tree "$tree" && GIT_INDEX_FILE="$3.index" "$1" --git-dir="$2" --work-tree="$3" -c core.bare=false checkout-index -a';
      contestants.push({
        name: 'git',
        job: () => ({ argv: ['sh', '-c', checkout, 'sh', git.path, repository, bench.fresh('git-restore')] }),
      });
    }
    const figures = race(contestants, bench.runs);
    const mine = figures.get('holdfast')!;
    const lines: Line[] = [];
    for (const [peer, target] of [
      ['restic', 0.5],
      ['git', 1.2],
    ] as const) {
      const theirs = figures.get(peer);
      if (theirs !== undefined)
        lines.push({
          row: 'R1',
          what: `wall against ${peer}`,
          ours: ms(mine.wallMs),
          peer: ms(theirs.wallMs),
          value: mine.wallMs / theirs.wallMs,
          unit: 'x',
          target,
        });
    }
    lines.push({
      row: 'R1',
      what: 'peak memory',
      ours: `${mine.rssMiB.toFixed(0)} MiB`,
      peer: '',
      value: mine.rssMiB,
      unit: 'MiB',
      target: 256,
    });
    return lines;
  },
};

export const diffRow: Row = {
  id: 'R3',
  title: 'diff of live with the latest snapshot, 10 changes in 100,000 files',
  async run(bench) {
    const vault = textVault(join(bench.folder, 'R3'), { files, seed });
    rmSync(join(vault, 'state'), { recursive: true, force: true });
    const home = bench.fresh('home');
    runOnce(holdfast(['snapshot', '--json', 'first'], { vault, home }));
    const idle = race(
      [{ name: 'idle', job: () => holdfast(['snapshot', '--json'], { vault, home }) }],
      bench.runs,
      2,
    ).get('idle')!;
    for (let i = 0; i < 10; i++) {
      appendFileSync(
        join(vault, `area-${i}`, 'topic-0', 'folder-0', `note-${i * 10}.md`),
        `\nchanged ${process.hrtime.bigint()}\n`,
      );
    }
    const mine = race([{ name: 'diff', job: () => holdfast(['diff', '--stat'], { vault, home }) }], bench.runs).get(
      'diff',
    )!;
    return [
      {
        row: 'R3',
        what: 'diff --stat against an unchanged snapshot run (C3)',
        ours: ms(mine.wallMs),
        peer: ms(idle.wallMs),
        value: mine.wallMs / idle.wallMs,
        unit: 'x',
        target: 1.2,
      },
    ];
  },
};

export const logRow: Row = {
  id: 'R4',
  title: 'log of one path over 1,000 snapshots',
  async run(bench) {
    const { vault, home } = await manySnapshots(join(bench.folder, 'C6'), 1000);
    const path = 'area-3/topic-0/folder-0/note-30.md';
    const mine = race(
      [{ name: 'log', job: () => holdfast(['log', path, '--json'], { vault, home }) }],
      bench.runs,
      2,
    ).get('log')!;
    return [
      {
        row: 'R4',
        what: 'log PATH, wall',
        ours: ms(mine.wallMs),
        peer: '',
        value: mine.wallMs,
        unit: 'ms',
        target: 1000,
      },
    ];
  },
};

export const oneFileRow: Row = {
  id: 'R2',
  title: 'one file from S3: requests, warm and from a machine that never saw the store (50 snapshots)',
  async run(bench) {
    await using server = await startS3Server();
    const store = server.storeUrl();
    const vault = textVault(bench.fresh('vault'), { files: 5000, seed });
    const path = 'area-3/topic-0/folder-0/note-30.md';
    const place = { vault, home: bench.fresh('home'), store, env: credentialsOf(server.credentials) };
    for (let i = 0; i < 50; i++) {
      appendFileSync(join(vault, `area-${i % 20}`, 'topic-0', 'folder-0', `note-${(i % 20) * 10}.md`), `\nedit ${i}\n`);
      await runHoldfast(place, ['snapshot', `edit ${i}`]);
      // One a second, as ids tell seconds and people take longer.
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    const requestsOf = async (where: typeof place): Promise<Map<string, number>> => {
      const before = server.requests.length;
      const { code, err } = await runHoldfast(where, ['restore', path, 'latest', '--no-diff']);
      if (code !== 0) throw new Error(err);
      const operations = server.requests.slice(before).map((request) => {
        if (request.startsWith('ListObjects')) return 'LIST';
        return request.endsWith('.idx') ? 'index' : 'other';
      });
      return new Map([...Map.groupBy(operations, (operation) => operation)].map(([name, all]) => [name, all.length]));
    };
    const warm = await requestsOf(place);
    const cold = await requestsOf({ ...place, vault: bench.fresh('elsewhere'), home: bench.fresh('home') });
    const count = (what: string, value: number, target: number, unit: Line['unit'] = 'requests'): Line => ({
      row: 'R2',
      what,
      ours: String(value),
      peer: '',
      value,
      unit,
      target,
    });
    const warmTotal = [...warm.values()].reduce((sum, value) => sum + value, 0);
    return [
      count('warm, all requests', warmTotal, 3),
      count('never seen: listing', cold.get('LIST') ?? 0, 2, 'LIST pages'),
      count('never seen: besides listing and indexes', cold.get('other') ?? 0, 4),
    ];
  },
};

function credentialsOf(credentials: { accessKeyId: string; secretAccessKey: string }): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey };
}
