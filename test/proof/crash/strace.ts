import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lane, ProcessEnd } from './lane.ts';

/** What makes something durable or visible, beside what writes bytes. */
const syscalls =
  'rename,renameat,renameat2,fsync,fdatasync,unlink,unlinkat,rmdir,link,linkat,mkdir,mkdirat,symlink,symlinkat,' +
  'ftruncate,utimensat,fchmod,chmod,openat,write,pwrite64';

/** One moment of a run: before its n-th call of one kind, as strace counts them in each thread. */
export interface Moment {
  readonly syscall: string;
  readonly at: number;
  /** The call as strace printed it, shortened. */
  readonly call: string;
}

/** Says why strace cannot be used here; null when it can. */
export function whyNoStrace(): string | null {
  const tried = spawnSync('strace', ['-f', '-qq', '-e', 'trace=none', 'true'], { encoding: 'utf8' });
  if (tried.error !== undefined) return 'strace is not on this machine; the crash rig needs it (apt install strace)';
  return tried.status === 0 ? null : `strace cannot trace here: ${tried.stderr.trim()}`;
}

/**
 * A dry run: every successful call of the main thread that changes something in the lane, in order. Calls of other threads
 * are counted with their own counters; a kill at the main thread's n-th comes first, so they are moments between those.
 */
export async function momentsOf(lane: Lane, words: readonly string[]): Promise<{ moments: Moment[]; end: ProcessEnd }> {
  const log = join(lane.folder, '..', 'strace.log');
  const end = await lane.start(words, {
    through: ['strace', '-f', '--seccomp-bpf', '-qq', '-y', '-s', '64', '-o', log, '-e', `trace=${syscalls}`],
  });
  const counts = new Map<string, number>();
  const moments: Moment[] = [];
  let main: string | null = null;
  for (const line of readFileSync(log, 'latin1').split('\n')) {
    const match = /^(\d+) +(\w+)\((.*)$/.exec(line);
    if (match === null) continue;
    const [, thread = '', syscall = '', rest = ''] = match;
    main ??= thread;
    if (thread !== main) continue;
    const at = (counts.get(syscall) ?? 0) + 1;
    counts.set(syscall, at);
    if (isOurs(syscall, rest, lane.folder)) moments.push({ syscall, at, call: shortened(rest, lane.folder) });
  }
  return { moments, end };
}

function isOurs(syscall: string, rest: string, folder: string): boolean {
  if (!rest.includes(folder) || / = -1 E/.test(rest)) return false;
  return syscall !== 'openat' || rest.includes('O_CREAT');
}

function shortened(rest: string, folder: string): string {
  return rest.replaceAll(`${folder}/`, '').slice(0, 110);
}

/** Runs a command that is killed just before this moment. */
export async function killedAt(lane: Lane, words: readonly string[], { syscall, at }: Moment): Promise<ProcessEnd> {
  return injected(lane, words, `${syscall}:signal=KILL:when=${at}`);
}

/** Runs a command in which the call of this moment fails; `andAfter` for every one of its kind from then on. */
export async function failedAt(
  lane: Lane,
  words: readonly string[],
  { syscall, at, error, andAfter }: Moment & { readonly error: string; readonly andAfter: boolean },
): Promise<ProcessEnd> {
  return injected(lane, words, `${syscall}:error=${error}:when=${at}${andAfter ? '+' : ''}`);
}

async function injected(lane: Lane, words: readonly string[], injection: string): Promise<ProcessEnd> {
  const [syscall = ''] = injection.split(':');
  // With --seccomp-bpf an injected signal is lost.
  const through = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${syscall}`];
  return lane.start(words, { through: [...through, '-e', `inject=${injection}`] });
}
