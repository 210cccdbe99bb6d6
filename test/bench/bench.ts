import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Job } from './measure.ts';

/** What every row gets. */
export interface Bench {
  /** Scratch folder on the disk under test; kept between runs so that corpora are made once. */
  readonly folder: string;
  readonly runs: number;
  readonly peers: Peers;
  /** A new, empty folder. */
  fresh(name: string): string;
}

/** One line of the table. `target` bounds `value` from above. */
export interface Line {
  readonly row: string;
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  readonly value: number;
  readonly unit: 'x' | 'MiB' | 'ms' | 'requests' | 'bytes' | 'LIST pages';
  readonly target: number;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  run(bench: Bench): Promise<readonly Line[]>;
}

/** Other tools on this machine, by the path of their program; null where there is none. */
export interface Peers {
  readonly git: Peer | null;
  readonly restic: Peer | null;
  readonly borg: Peer | null;
}

export interface Peer {
  readonly path: string;
  readonly version: string;
}

/** Looks the peers up in PATH; `HOLDFAST_BENCH_PATH` is searched first. */
export function findPeers(): Peers {
  return {
    git: findPeer('git', '--version'),
    restic: findPeer('restic', 'version'),
    borg: findPeer('borg', '--version'),
  };
}

function findPeer(name: string, versionFlag: string): Peer | null {
  const path = [process.env['HOLDFAST_BENCH_PATH'], process.env['PATH']].filter(Boolean).join(':');
  try {
    const version = execFileSync(name, [versionFlag], { encoding: 'utf8', env: { ...process.env, PATH: path } });
    return {
      path: execFileSync('sh', ['-c', 'command -v "$0"', name], {
        encoding: 'utf8',
        env: { ...process.env, PATH: path },
      }).trim(),
      version: version.trim(),
    };
  } catch {
    return null;
  }
}

const program = resolve(import.meta.dirname, '../../bin/holdfast.js');

/** A run of holdfast's command line in its own home, with its own store. */
export function holdfast(
  args: readonly string[],
  options: { vault: string; home: string; env?: Record<string, string> },
): Job {
  return {
    argv: [process.execPath, program, ...args, '--vault', options.vault],
    cwd: options.vault,
    env: { HOME: options.home, XDG_DATA_HOME: join(options.home, 'data'), NO_COLOR: '1', ...options.env },
  };
}

export function freshFolders(folder: string): (name: string) => string {
  let count = 0;
  return (name) => {
    const path = join(folder, 'runs', `${process.pid}-${count++}-${name}`);
    mkdirSync(path, { recursive: true });
    return path;
  };
}
