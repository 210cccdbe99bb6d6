import { readFileSync } from 'node:fs';

/** One thing a process did to the disk, in the order the kernel saw it. */
export type DiskStep =
  | { readonly do: 'create' | 'mkdir' | 'unlink'; readonly path: string }
  | { readonly do: 'rename' | 'link'; readonly path: string; readonly to: string }
  | { readonly do: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly do: 'write';
      readonly path: string;
      readonly handle: number;
      readonly at: number;
      readonly bytes: Buffer;
    }
  | { readonly do: 'open'; readonly path: string; readonly handle: number }
  | { readonly do: 'truncate'; readonly handle: number; readonly size: number }
  | { readonly do: 'sync'; readonly handle: number };

/** What strace has to print so that `readTrace` understands it. */
export const traceWords = [
  'strace',
  '-f',
  '-qq',
  '-xx',
  '-s',
  '20000000',
  '-e',
  'trace=openat,creat,close,dup,dup2,write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,lseek,copy_file_range,' +
    'rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat',
];

interface OpenFile {
  readonly handle: number;
  readonly path: string;
  readonly isAppending: boolean;
  at: number;
}

/**
 * Reads a log of strace into steps below `root`. Handles are numbers of our own: descriptors are used again, and a file
 * keeps its handle when it is renamed. Sizes are followed, so that what appends lands where it landed.
 */
export function readTrace(logPath: string, root: string): DiskStep[] {
  const steps: DiskStep[] = [];
  const open = new Map<number, OpenFile>();
  const sizes = new Map<string, number>();
  let handles = 0;
  const isInside = (path: string): boolean => path === root || path.startsWith(`${root}/`);
  const add = (step: DiskStep): void => void steps.push(step);

  function openAt(path: string, flags: string, fd: number): void {
    if (!isInside(path)) {
      open.delete(fd);
      return;
    }
    if (/O_CREAT/.test(flags)) add({ do: 'create', path });
    const file = { handle: ++handles, path, isAppending: flags.includes('O_APPEND'), at: 0 };
    open.set(fd, file);
    add({ do: 'open', path, handle: file.handle });
    if (flags.includes('O_TRUNC')) {
      add({ do: 'truncate', handle: file.handle, size: 0 });
      sizes.set(path, 0);
    }
  }

  function write(fd: number, bytes: Buffer, position: number | null): void {
    const file = open.get(fd);
    if (file === undefined || bytes.length === 0) return;
    // Where an appended write lands is the model's to know: -1.
    const at = position ?? (file.isAppending ? -1 : file.at);
    add({ do: 'write', path: file.path, handle: file.handle, at, bytes });
    if (position === null && !file.isAppending) file.at += bytes.length;
  }

  for (const { call, texts, words, result } of callsOf(logPath)) {
    if (result < 0) continue;
    const [first = '', second = ''] = texts.map(({ text }) => text.toString('latin1'));
    const fd = Number(words[0]);
    const changesTwo = isInside(first) || isInside(second);
    if (call === 'openat') openAt(first, words.join(' '), result);
    else if (call === 'close') open.delete(fd);
    else if (call === 'write') write(fd, texts[0]!.text.subarray(0, result), null);
    else if (call === 'pwrite64') write(fd, texts[0]!.text.subarray(0, result), Number(words.at(-1)));
    else if (call === 'writev') write(fd, Buffer.concat(texts.map(({ text }) => text)).subarray(0, result), null);
    else if (call === 'ftruncate' && open.has(fd))
      add({ do: 'truncate', handle: open.get(fd)!.handle, size: Number(words[1]) });
    else if (/^f(?:data)?sync$/.test(call) && open.has(fd)) add({ do: 'sync', handle: open.get(fd)!.handle });
    else if (call.startsWith('rename') && changesTwo) add({ do: 'rename', path: first, to: second });
    else if (call.startsWith('link') && changesTwo) add({ do: 'link', path: first, to: second });
    else if (call.startsWith('symlink') && isInside(second)) add({ do: 'symlink', path: second, target: first });
    else if (call.startsWith('mkdir') && isInside(first)) add({ do: 'mkdir', path: first });
    else if (call === 'unlink' || call === 'rmdir') {
      if (isInside(first)) add({ do: 'unlink', path: first });
    } else if (call === 'unlinkat') {
      // Relative to an open folder, as Node removes what is in one.
      const path = first.startsWith('/') ? first : `${open.get(fd)?.path ?? ''}/${first}`;
      if (isInside(path)) add({ do: 'unlink', path });
    }
  }
  return steps;
}

interface TracedCall {
  readonly call: string;
  readonly texts: readonly { readonly text: Buffer }[];
  /** The arguments that are no strings, split at commas. */
  readonly words: readonly string[];
  readonly result: number;
}

function* callsOf(logPath: string): Generator<TracedCall> {
  const unfinished = new Map<string, string>();
  for (const line of readFileSync(logPath, 'latin1').split('\n')) {
    const found = /^(\d+) +(.*)$/s.exec(line);
    if (found === null) continue;
    const [, thread = '', rest = ''] = found;
    // Another thread spoke in between: the call is in two pieces.
    const begun = /^(.*) <unfinished \.\.\.>$/s.exec(rest);
    if (begun !== null) {
      unfinished.set(thread, begun[1]!);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(rest);
    const whole = resumed === null ? rest : (unfinished.get(thread) ?? '') + resumed[1]!;
    const parts = /^(\w+)\((.*)\) += (-?\d+)/s.exec(whole);
    if (parts === null) continue;
    const [, call = '', args = '', result = ''] = parts;
    const texts = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((match) => ({
      text: Buffer.from(match[1]!.replaceAll('\\x', ''), 'hex'),
    }));
    const words = args
      .replaceAll(/"(?:\\x[0-9a-f]{2})*"(?:\.\.\.)?/g, '')
      .split(/, */)
      .filter((word) => word !== '');
    yield { call, texts, words, result: Number(result) };
  }
}
