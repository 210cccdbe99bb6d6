import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lutimesSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { byteStringOfText, type ByteString } from '../../src/lib/bytes.ts';
import type { CliVault } from './cli-vault.ts';
import { deterministicBytes } from './deterministic-bytes.ts';
import { buildVault, makeFifo, onDisk, type VaultContent } from './vault-builder.ts';

/** Settings that make files of 65 kB large enough to be chunked. */
export const smallChunks = '{ "capture": { "chunkAbove": "64KiB" } }';

const utf8 = byteStringOfText;

/** Names that act on a terminal, forge lines, hide, or are no text at all; all are files. */
export const oddNames: readonly ByteString[] = [
  // F01
  'line\nbreak',
  'tab\ttab',
  `'"`,
  'back\\slash',
  '-rf',
  '--all',
  ' both ends ',
  ':*?',
  '$(touch pwned)',
  '`x`;&|',
  // F02
  '\x1b[31mred',
  '\x1b]52;c;aGk=\x07',
  'bell\x07',
  'cr\rname',
  utf8('\u009b31mc1'),
  utf8('\u202egnp.exe'),
  utf8('zero\u200bwidth'),
  utf8('sep\u2028\u2029'),
  utf8('bom\ufeff'),
  utf8('\u2066isolate\u2069'),
  utf8('soft\u00adhyphen'),
  'del\x7f',
  utf8('\u{e0041}tag'),
  // F03
  '\xff\xfe',
  'caf\xe9',
  'half\xf0\x9f\x98',
  '\xed\xa0\x80surrogate',
  'mixed\xff\x1b[1m',
  // F04, F05
  utf8('caf\u00e9'),
  utf8('cafe\u0301'),
  'Case',
  'case',
  utf8('\u212a'),
  'k',
  'K',
  // F06
  'CON',
  'aux.txt',
  'dot.',
  'x::$DATA',
  'a\\b',
  'C:',
  '..\\up',
  '~',
  '#hash',
  '!bang',
  // Names our own format gives a meaning
  'a.holdfast-chunks',
  'a.holdfast-chunks~',
  'a.holdfast-chunks~~',
  'name',
  'folder',
  `x~${'0'.repeat(40)}`,
  // F25
  'n'.repeat(255),
  utf8('\u00e9'.repeat(127)) + 'x',
];

/**
 * Builds one vault with everything odd at once. What the ignore rules, the secret names and the kinds of entries leave out is
 * exactly `isLeftOut`; all else must come back.
 */
export async function buildOddVault(vault: CliVault): Promise<void> {
  const { root, folder } = vault;
  mkdirSync(join(folder, 'outside'));
  writeFileSync(join(folder, 'outside', 'secret.txt'), 'never to be read\n');
  addRepositories(vault);
  vault.write({ 'holdfast.json': smallChunks, ...namesAndKinds(), ...largeFiles(), ...attributes() });
  linkSync(join(root, 'plain.txt'), join(root, 'hard-link.txt'));
  linkSync(join(folder, 'outside', 'secret.txt'), join(root, 'hard-link-outside.txt'));
  makeFifo(root, 'fifo');
  makeFifo(root, 'odd/fifo');
  await leaveSocket(folder, join(root, 'socket'));
  setModes(root);
  setTimes(root);
  vault.git('add', 'plain.txt', 'crlf.txt', '.gitattributes', '.gitignore');
  vault.git('-c', 'filter.evil.clean=cat', 'commit', '-qm', 'first');
  vault.git('worktree', 'add', '-q', 'worktree', 'HEAD');
  // Git itself ran what its configuration names; holdfast must not.
  rmSync(join(folder, 'command-ran'), { force: true });
}

/** True for what a snapshot must leave out, and so a restore. */
export function isLeftOut(path: ByteString): boolean {
  return (
    /^(?:state|_restore|node_modules)(?:$|\/)/.test(path) ||
    /(?:^|\/)\.git(?:$|\/)/.test(path) ||
    path.endsWith('.log') ||
    /(?:^|\/)(?:fifo|socket)$/.test(path) ||
    path === '.env'
  );
}

function namesAndKinds(): Record<ByteString, VaultContent> {
  const contents: Record<ByteString, VaultContent> = {};
  for (const name of oddNames) contents[`odd/${name}`] = `content of ${name}`;
  // Folders and links of such names, too.
  for (const name of oddNames.slice(0, 25)) contents[`folders/${name}/inside`] = name;
  for (const name of oddNames) contents[`links/${name}`] = { link: name };
  const deep = Array.from({ length: 60 }, (_, depth) => `level ${depth} ${'.'.repeat(20)}`).join('/');
  return {
    ...contents,
    'plain.txt': 'plain\n',
    empty: '',
    [`deep/${deep}/bottom`]: 'deep\n',
    'empty folders/a/b': null,
    'empty folders/\x1b[2J': null,
    'kinds/loop-a': { link: 'loop-b' },
    'kinds/loop-b': { link: 'loop-a' },
    'kinds/self': { link: 'self' },
    'kinds/parent': { link: '..' },
    'kinds/dangling': { link: 'no/such/place' },
    'kinds/absolute': { link: '/etc/passwd' },
    'kinds/escaping': { link: '../../outside/secret.txt' },
    'kinds/outside-folder': { link: '../../outside' },
    'kinds/to-folder': { link: '../odd' },
    'kinds/odd-target': { link: '\x1b[31m\xff\n\\' },
    'kinds/long-target': { link: 'x/'.repeat(2000) },
    'a folder.holdfast-chunks/inside': 'x',
    'a folder.holdfast-chunks~/00000000': 'x',
    '.env': 'TOKEN=x\n',
    '.env.example': 'TOKEN=\n',
    'debug.log': 'ignored\n',
    'node_modules/left/pad.js': 'ignored\n',
  };
}

function largeFiles(): Record<ByteString, VaultContent> {
  const random = (seed: number): Buffer => deterministicBytes(200_000 + seed, seed);
  return {
    'large/random.bin': random(1),
    'large/same.bin': random(1),
    'large/zeros.bin': Buffer.alloc(300_000),
    'large/at the limit.bin': random(2).subarray(0, 65_536),
    'large/one more.bin': random(2).subarray(0, 65_537),
    'large/marked.holdfast-chunks': random(3),
    'large/marked.holdfast-chunks~': random(4),
    [`large/${'L'.repeat(255)}`]: random(5),
    [`large/\xff\x1b[31m${'l'.repeat(240)}`]: random(6),
    [`large/x~${'a'.repeat(40)}`]: random(7),
    'large/run.bin': random(8),
  };
}

/** F34: rules and filters that would change bytes, or run programs, if git's way were taken. */
function attributes(): Record<ByteString, VaultContent> {
  return {
    '.gitattributes': [
      '*.txt text eol=crlf',
      '*.id ident',
      '*.evil filter=evil diff=evil merge=evil',
      '*.bin filter=lfs diff=lfs merge=lfs -text',
      '*.utf16 text working-tree-encoding=UTF-16LE',
      'plain.txt export-ignore',
      '',
    ].join('\n'),
    'crlf.txt': 'one\r\ntwo\nthree\r\n',
    'lf.txt': 'one\ntwo\n',
    'x.id': '$Id$\n$Id: 0123456789 $\n',
    'x.evil': 'must not meet a filter\n',
    'x.utf16': Buffer.from('text\n', 'utf16le'),
    'pointer.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n',
    '.gitignore': 'node_modules/\n*.log\n',
  };
}

function addRepositories(vault: CliVault): void {
  const { root, folder } = vault;
  vault.git('init', '-q', '-b', 'main');
  for (const [key, value] of [
    ['core.autocrlf', 'true'],
    ['filter.evil.clean', `touch ${folder}/command-ran; cat`],
    ['filter.evil.smudge', `touch ${folder}/command-ran; cat`],
    ['filter.evil.process', `touch ${folder}/command-ran`],
    ['filter.lfs.clean', `touch ${folder}/command-ran; cat`],
    ['filter.lfs.required', 'true'],
    ['diff.evil.textconv', `touch ${folder}/command-ran; cat`],
    ['core.fsmonitor', `touch ${folder}/command-ran`],
    ['core.hooksPath', `${folder}/outside`],
  ] as const) {
    vault.git('config', key, value);
  }
  // F28: a repository that is nobody's submodule. F29: one that is.
  for (const path of [join(root, 'nested'), join(folder, 'module')]) {
    mkdirSync(path, { recursive: true });
    buildVault(path, { 'inside.txt': `inside ${path}\n`, 'deeper/file': 'x' });
    execFileSync(
      'sh',
      ['-c', 'git init -q -b main && git add . && git -c user.name=A -c user.email=a@b commit -qm x'],
      {
        cwd: path,
        env: { PATH: process.env['PATH'], HOME: vault.home, GIT_CONFIG_GLOBAL: '/dev/null' },
      },
    );
  }
  vault.git(
    '-c',
    'core.fsmonitor=',
    '-c',
    'protocol.file.allow=always',
    'submodule',
    '--quiet',
    'add',
    `${folder}/module`,
    'module',
  );
}

function setModes(root: string): void {
  buildVault(root, {
    'modes/run.sh': '#!/bin/sh\n',
    'modes/none': 'mode 000\n',
    'modes/setuid': 'x',
    'modes/read-only': 'x',
    'modes/private': 'x',
    'modes/closed/inside': 'x',
    'modes/sticky/inside': 'x',
    'modes/setgid/inside': 'x',
  });
  const modes = { 'run.sh': 0o755, none: 0, setuid: 0o4755, 'read-only': 0o444, private: 0o600 };
  const folders = { closed: 0o555, sticky: 0o1777, setgid: 0o2755 };
  for (const [name, mode] of Object.entries({ ...modes, ...folders })) chmodSync(join(root, 'modes', name), mode);
  chmodSync(join(root, 'large', 'run.bin'), 0o755);
}

/** C05: times before 1970, at it, and far ahead; of links and folders, too. */
function setTimes(root: string): void {
  buildVault(root, { 'times/old': 'x', 'times/zero': 'x', 'times/future': 'x', 'times/folder/x': 'x' });
  const at = (name: string, date: string): void =>
    utimesSync(join(root, 'times', name), new Date(date), new Date(date));
  at('old', '1969-07-20T20:17:40.123Z');
  at('zero', '1970-01-01T00:00:00Z');
  at('future', '2200-01-01T00:00:00.5Z');
  at('folder', '2001-02-03T04:05:06.789Z');
  const linkTime = new Date('1999-12-31T23:59:59.999Z');
  lutimesSync(onDisk(root, 'kinds/dangling'), linkTime, linkTime);
}

/** A socket nobody listens on any more: closing removes it under its first name only. */
async function leaveSocket(folder: string, path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(join(folder, 's'), listening));
  renameSync(join(folder, 's'), path);
  await new Promise((closed) => server.close(closed));
}
