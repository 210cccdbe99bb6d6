import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, lutimesSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOf, byteStringOfText, type ByteString } from '../../src/lib/bytes.ts';
import { deterministicBytes } from '../support/deterministic-bytes.ts';
import { type Found, manifestOf as contentOf } from '../support/folder-manifest.ts';
import { type Manifest, manifestOf as everythingOf } from '../support/manifest.ts';

/** What a snapshot of a vault promises to give back: bytes, names, links, modes and times of what is captured. */
export type Content = ReadonlyMap<ByteString, Found>;

const git = (root: string, ...args: string[]): void => {
  const env = {
    PATH: process.env['PATH'],
    HOME: root,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
  };
  execFileSync('git', args, { cwd: root, env, stdio: 'ignore' });
};

/**
 * A small vault with one of each kind of thing that matters: a repository with a commit, untracked files, a name that is no
 * UTF-8, links, an executable, an empty folder, a file that goes up in chunks, and what is not captured.
 */
export function fillVault(root: string): void {
  mkdirSync(root, { recursive: true });
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'holdfast.json': '{ "capture": { "chunkAbove": "1MB" } }\n',
    '.gitignore': 'node_modules/\n/_restore/\n',
    'notes/plan.md': 'the plan\n',
    'notes/deep/er/still.md': 'far below\n',
    'notes/crlf.txt': 'one\r\ntwo\r\n',
    'empty.txt': '',
    'run.sh': '#!/bin/sh\necho run\n',
    'image.bin': deterministicBytes(40_000),
    'goes-away.md': 'not for long\n',
    'node_modules/left-pad/index.js': 'module.exports = 1;\n',
    '.env': 'TOKEN=not-captured\n',
    'swap/was-a-folder.md': 'a file in a folder that becomes a file\n',
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  writeFileSync(bytesOf(`${byteStringOfText(root)}/notes/odd-\xff\n.md`), 'a name of bytes\n');
  mkdirSync(join(root, 'empty-folder'));
  chmodSync(join(root, 'run.sh'), 0o755);
  symlinkSync('notes/plan.md', join(root, 'link'));
  symlinkSync('/etc/nowhere', join(root, 'dangling'));
  lutimesSync(join(root, 'link'), 1_700_000_000, 1_700_000_000);
  git(root, 'init', '-q', '-b', 'main');
  git(root, 'add', 'notes/plan.md', '.gitignore');
  git(root, 'commit', '-q', '-m', 'begin');
  settleTimes(root);
}

/** Changes the vault: files edited, added, removed and of another kind. Each step gives another state. */
export function editVault(root: string, step: number): void {
  writeFileSync(join(root, 'notes/plan.md'), `the plan, version ${step}\n`);
  writeFileSync(join(root, `notes/added-${step}.md`), `added in step ${step}\n`);
  writeFileSync(join(root, 'image.bin'), deterministicBytes(40_000 + step));
  if (step === 1) {
    rmSync(join(root, 'goes-away.md'));
    rmSync(join(root, 'swap'), { recursive: true });
    writeFileSync(join(root, 'swap'), 'now a file\n');
    writeFileSync(join(root, 'big.bin'), deterministicBytes(1_300_000));
  }
  if (step === 2) {
    rmSync(join(root, 'notes/deep'), { recursive: true });
    mkdirSync(join(root, 'goes-away.md'));
    writeFileSync(join(root, 'goes-away.md/now-a-folder.md'), 'a folder where a file was\n');
    git(root, 'commit', '-q', '-am', 'go on');
  }
  settleTimes(root);
}

/** Gives what was just written a time of whole seconds: no file system and no setting of times rounds those. */
function settleTimes(root: string): void {
  for (const [path, { micros }] of contentOf(root)) {
    if (micros % 1_000_000n === 0n || isLeftOut(path)) continue;
    const seconds = Number(micros / 1_000_000n);
    lutimesSync(bytesOf(`${byteStringOfText(root)}/${path}`), seconds, seconds);
  }
}

/** Not ours to give back: git's own, the holding directory, our state, what is ignored and what is secret. */
const isLeftOut = (path: ByteString): boolean => /^(?:_restore|state|node_modules|\.env)(?:\/|$)/.test(path);

/** What a snapshot taken now must give back. */
export function capturedContent(root: string): Content {
  return new Map([...contentOf(root)].filter(([path]) => !isLeftOut(path)));
}

/** What a restored folder holds, without our own state, which moves on. */
export function restoredContent(folder: string): Content {
  return new Map([...contentOf(folder)].filter(([path]) => !/^state(?:\/|$)/.test(path)));
}

/**
 * Everything that no command but a rollback may change (P4): the live files, ignored ones included, and all of `.git`,
 * with times, inodes and links. The holding directory and our own state are left out.
 */
export function untouchable(root: string): Manifest {
  return everythingOf(root, (path) => path === '_restore' || path === 'state');
}

/** The differences between two manifests, one line a path; empty when they are equal. */
export function differences(wanted: ReadonlyMap<string, object>, found: ReadonlyMap<string, object>): string[] {
  const lines: string[] = [];
  for (const [path, entry] of wanted) {
    const other = found.get(path);
    if (other === undefined) lines.push(`${JSON.stringify(path)} is missing`);
    else if (facts(entry) !== facts(other)) {
      lines.push(`${JSON.stringify(path)} is ${facts(other)}, not ${facts(entry)}`);
    }
  }
  for (const path of found.keys()) if (!wanted.has(path)) lines.push(`${JSON.stringify(path)} should not be there`);
  return lines;
}

const facts = (entry: object): string =>
  Object.values(entry)
    .map((value: unknown) => String(value).slice(0, 16))
    .join(' ');

/** Copies a folder with everything in it, times included; what was at the target is removed. */
export function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true, maxRetries: 3 });
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  // It keeps the times of files only. Folders last and innermost first: nothing is made in them any more.
  const late = [...contentOf(from)].filter(([, { kind }]) => kind !== 'file').toReversed();
  for (const [path, { micros }] of late) {
    const seconds = Number(micros) / 1e6;
    lutimesSync(bytesOf(`${byteStringOfText(to)}/${path}`), seconds, seconds);
  }
}
