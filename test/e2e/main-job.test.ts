import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { byteStringOfText, type ByteString } from '../../src/lib/bytes.ts';
import { deterministicBytes } from '../support/deterministic-bytes.ts';
import { followGuide } from '../support/follow-guide.ts';
import { manifestOf } from '../support/folder-manifest.ts';
import {
  copyStore,
  type Credentials,
  credentialsEnv,
  type HoldfastPlace,
  type HoldfastRun,
  runHoldfast,
} from '../support/run-holdfast-s3.ts';
import { createPeerBucket, s3PeerFromEnvironment } from '../support/s3-server/peer.ts';
import { startS3Server } from '../support/s3-server/start-s3-server.ts';
import { scratchFolder } from '../support/scratch.ts';
import { buildVault } from '../support/vault-builder.ts';

const filmBytes = 101 * 1024 * 1024;
/** Just large enough to be kept in pieces. */
const scanBytes = 9 * 1024 * 1024;
const text = byteStringOfText;

interface Store {
  /** Undefined: the embedded one, in the home folder. */
  readonly url?: string;
  readonly credentials?: Credentials;
  /** Requests that arrived, as "PutObject key"; absent where nobody counts. */
  readonly requests?: string[];
}

const peer = s3PeerFromEnvironment();

// Most of a gigabyte goes through each: seconds on an idle machine, more on a busy one.
describe('the main job, through the built program', { timeout: 180_000 }, () => {
  test('on the embedded store', async () => {
    expect(await mainJob({})).toBe(20);
  });

  test('on S3, over real sockets', async () => {
    const server = await startS3Server();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const { credentials } = server;
    expect(await mainJob({ url: server.storeUrl('notes'), credentials, requests: server.requests })).toBe(20);
  });

  // .ci/s3-peer brings one.
  test.each(peer === null ? [] : [peer])('on another S3 server than ours', async (server) => {
    const bucket = await createPeerBucket(server);
    const { endpoint, credentials } = server;
    expect(await mainJob({ url: `s3://${bucket}/some/notes?endpoint=${endpoint}`, credentials })).toBe(20);
  });
});

/** Does it all; returns how many commands ran, every one of which ended with 0. */
async function mainJob(store: Store): Promise<number> {
  const [vault, home] = [join(scratchFolder(), 'my vault'), scratchFolder()];
  makeVault(vault, home);
  const place: HoldfastPlace = {
    vault,
    home,
    ...(store.url === undefined ? {} : { store: store.url }),
    env: store.credentials === undefined ? {} : credentialsEnv(store.credentials),
  };
  let commands = 0;
  const run = async (...args: string[]): Promise<HoldfastRun> => {
    const done = await runHoldfast(place, args);
    if (done.code !== 0) throw new Error(`${args.join(' ')} ended with ${done.code}: ${done.err}`);
    commands++;
    return done;
  };
  const repository = manifestOf(join(vault, '.git'));

  const first = await takeFirst(run);
  const before = inScope(vault);
  const film = readFileSync(join(vault, 'film.mkv'));
  takeRequests(store);

  edit(vault, film);
  const after = inScope(vault);
  const second = await run('snapshot', 'after the edits', '--json');
  expect(second.result).toMatchObject({ outcome: 'taken', where: 'store', complete: true, problems: [] });
  // Four pieces of the film's hundred, and little else.
  expect(second.result['stored_bytes']).toBeLessThan(10 << 20);
  const threePuts = ['PutObject .pack', 'PutObject .idx', 'PutObject .json'];
  expect(takeRequests(store) ?? threePuts).toEqual(threePuts);
  expect((await run('snapshot', '--json')).result).toMatchObject({ outcome: 'unchanged', id: second.result['id'] });
  expect(takeRequests(store) ?? []).toEqual([]);

  await browse(run, { first: String(first.result['id']), second: String(second.result['id']) });
  await compare(run);
  expect((await run('cat', 'scan.pdf', 'before the edits')).bytes.equals(readFileSync(join(vault, 'scan.pdf')))).toBe(
    true,
  );
  expect((await run('cat', 'notes/plan.md', 'latest')).out).toBe('# Plan\r\n\r\nnew words\r\n');
  await restoreOne(run, { vault, film });
  await restoreAll(run, 'before the edits', before);
  await restoreAll(run, 'latest', after);
  expect((await run('verify', '--full', '--json')).result).toMatchObject({ passed: true, findings: [], snapshots: 2 });
  await exportBundle(run, { vault, home });
  await rebuildIndex(run, vault);

  // Nothing of all this has touched the vault or its repository.
  expect(inScope(vault)).toEqual(after);
  expect(manifestOf(join(vault, '.git'))).toEqual(repository);
  if (store.url === undefined) return commands;
  const copy = scratchFolder();
  await copyStore(store.url, store.credentials!, copy);
  const { recovered } = followGuide(copy, '6.', readFileSync(join(copy, 'RESTORE.md'), 'utf8'));
  expect(inScope(recovered)).toEqual(after);
  expect(gitIn(recovered, home, 'log', '--all', '--format=%H %s')).toBe(
    gitIn(vault, home, 'log', '--all', '--format=%H %s'),
  );
  expect(gitIn(recovered, home, 'stash', 'list').split('\n')).toHaveLength(2);
  return commands;
}

/** Requests since the last call, as "PutObject .pack". */
function takeRequests({ requests }: Store): string[] | undefined {
  return requests?.splice(0).map((request) => request.replace(/ .*(?=\.\w+$)/, ' '));
}

type Run = (...args: string[]) => Promise<HoldfastRun>;

async function takeFirst(run: Run): Promise<HoldfastRun> {
  const first = await run('snapshot', 'before the edits', '--json');
  expect(first.result).toMatchObject({ outcome: 'taken', where: 'store', complete: true, problems: [], added: 29 });
  const left = first.result['not_protected'] as { path: string; reason: string }[];
  expect(left.map(({ path, reason }) => `${path} ${reason}`).toSorted()).toEqual([
    '.env secret',
    'nested/.git/ nested_repository',
    'node_modules/ gitignore',
    'noise.log gitignore',
  ]);
  return first;
}

async function browse(run: Run, ids: { first: string; second: string }): Promise<void> {
  const list = await run('list', '--json');
  expect(list.lines.filter(({ type }) => type === 'snapshot')).toMatchObject([
    { id: ids.second, label: 'after the edits', where: 'store' },
    { id: ids.first, label: 'before the edits', where: 'store' },
  ]);
  const status = await run('status', '--json');
  expect(status.result).toMatchObject({ snapshots: 2, waiting: 0, latest: { id: ids.second } });
  expect(status.result).toMatchObject({ store: { reachable: true, versioning: 'on' } });
  const log = await run('log', 'notes/plan.md', '--json');
  expect(log.lines.filter(({ type }) => type === 'version')).toHaveLength(2);
  expect(log.lines.filter(({ type }) => type === 'commit')).toMatchObject([
    { subject: 'second' },
    { subject: 'first' },
  ]);
  const find = await run('find', 'goner', '--json');
  expect(find.lines.filter(({ type }) => type === 'path')).toMatchObject([
    { path: 'drafts/goner.md', in_newest: false, snapshots: 1 },
  ]);
  const ls = await run('ls', 'odd', 'latest', '--json');
  expect(ls.lines.filter(({ type }) => type === 'entry')).toHaveLength(oddNames.length);
}

async function compare(run: Run): Promise<void> {
  const changes = [
    'A\tadded.md',
    'M\tfilm.mkv',
    'D\tdrafts/goner.md',
    'M\tnotes/plan.md',
    'R100\told name.md\tdrafts/new name.md',
    'T\tlink',
  ];
  const diff = await run('diff', 'before the edits', 'after the edits', '--name-status');
  const shown = diff.out.trimEnd().split('\n');
  expect(shown.filter((line) => !line.includes('state/log')).toSorted()).toEqual(changes.toSorted());
  const live = await run('diff', '--name-status');
  expect(live.out.split('\n').filter((line) => line !== '' && !line.includes('state/log'))).toEqual([]);
}

async function restoreOne(run: Run, { vault, film }: { vault: string; film: Buffer }): Promise<void> {
  const { result } = await run('restore', 'film.mkv', 'before the edits', '--json', '--no-diff');
  expect(result).toMatchObject({ complete: true, files: 1, size_bytes: film.length, problems: [] });
  const directory = String(result['directory']);
  expect(directory.startsWith(join(vault, '_restore'))).toBe(true);
  expect(readFileSync(join(directory, 'film.mkv')).equals(film)).toBe(true);
  rmSync(directory, { recursive: true });
}

async function restoreAll(run: Run, point: string, expected: Map<ByteString, string>): Promise<void> {
  const { result } = await run('restore', '--all', point, '--json', '--no-diff');
  expect(result).toMatchObject({ complete: true, problems: [], damaged: 0 });
  const directory = String(result['directory']);
  expect(directory).not.toContain('INCOMPLETE');
  expect(inScope(directory)).toEqual(expected);
  rmSync(directory, { recursive: true });
}

async function exportBundle(run: Run, { vault, home }: { vault: string; home: string }): Promise<void> {
  const { result } = await run('export', 'before the edits', '--json');
  const clone = join(scratchFolder(), 'clone');
  gitIn(vault, home, 'clone', '-q', String(result['file']), clone);
  expect(gitIn(clone, home, 'fsck', '--full', '--strict')).toBe('');
  expect(gitIn(clone, home, 'log', '-1', '--format=%s').trim()).toBe('before the edits');
  expect(gitIn(clone, home, 'log', '--format=%s')).toContain('first\n');
  expect(gitIn(clone, home, 'show', 'HEAD:drafts/goner.md')).toBe('soon gone\n');
}

/** The index is a log of what happened; without it the store tells the same snapshots. */
async function rebuildIndex(run: Run, vault: string): Promise<void> {
  const list = async (): Promise<unknown> => (await run('list', '--json')).lines;
  const before = await list();
  rmSync(join(vault, 'state/log/snapshots.ndjson'));
  expect((await run('reindex', '--json')).result).toMatchObject({ snapshots: 2, added: 2, invalid: [] });
  expect(await list()).toEqual(before);
}

const oddNames = [
  ' leading',
  'trailing ',
  'new\nline',
  'tab\tand\x1b[31mcolour',
  '-rf',
  `qu'o"te\\back`,
  'glob*[a-z]?',
  text('café'),
  text('café'.normalize('NFD')),
  'not utf8 \xe9\xff',
  'Case',
  'case',
  'CON',
  'mine.holdfast-chunks',
];

/** A repository with packed and loose history, a stash, and everything git does not protect. */
function makeVault(vault: string, home: string): void {
  mkdirSync(vault);
  gitIn(vault, home, 'init', '-q', '-b', 'main');
  buildVault(vault, {
    '.gitignore': 'node_modules/\n*.log\n',
    '.gitattributes': '*.md text=auto eol=crlf\n',
    'notes/plan.md': 'the first words\n',
    'old name.md': 'words that move to another folder with their file\n'.repeat(20),
    'run.sh': '#!/bin/sh\n',
  });
  execFileSync('chmod', ['755', join(vault, 'run.sh')]);
  gitIn(vault, home, 'add', '.');
  gitIn(vault, home, 'commit', '-q', '-m', 'first');
  gitIn(vault, home, 'tag', '-a', 'v1', '-m', 'one');
  gitIn(vault, home, 'repack', '-q', '-a', '-d');
  writeFileSync(join(vault, 'notes/plan.md'), '# Plan\r\n');
  gitIn(vault, home, 'commit', '-q', '-a', '-m', 'second');
  gitIn(vault, home, 'branch', 'other');
  writeFileSync(join(vault, 'run.sh'), '#!/bin/sh\necho stashed\n');
  gitIn(vault, home, 'stash', '-q');
  buildVault(vault, {
    'notes/plan.md': '# Plan\r\n\r\nold words\r\n',
    'drafts/goner.md': 'soon gone\n',
    'notes/unix.md': 'ends as it likes\n',
    'node_modules/a/index.js': 'ignored',
    'noise.log': 'ignored',
    '.env': 'PASSWORD=hunter2\n',
    'empty/folder/': null,
    nothing: '',
    link: { link: 'notes/plan.md' },
    dangling: { link: text('nowhere/at äll') },
    out: { link: '/etc/passwd' },
    'film.mkv': deterministicBytes(filmBytes, 1),
    'scan.pdf': deterministicBytes(scanBytes, 2),
    ...Object.fromEntries(oddNames.map((name, i) => [`odd/${name}`, `odd ${i}`])),
  });
  const nested = join(vault, 'nested');
  mkdirSync(nested);
  gitIn(nested, home, 'init', '-q', '-b', 'main');
  buildVault(nested, { 'inner.txt': 'plain files for the outer snapshot\n', 'deep/er.txt': 'too' });
  gitIn(nested, home, 'add', '.');
  gitIn(nested, home, 'commit', '-q', '-m', 'inner');
}

/** Changes, deletes, renames, adds, and makes a file of a link. */
function edit(vault: string, film: Buffer): void {
  const middle = 50 << 20;
  writeFileSync(
    join(vault, 'film.mkv'),
    Buffer.concat([film.subarray(0, middle), Buffer.from('!'), film.subarray(middle)]),
  );
  writeFileSync(join(vault, 'notes/plan.md'), '# Plan\r\n\r\nnew words\r\n');
  rmSync(join(vault, 'drafts/goner.md'));
  renameSync(join(vault, 'old name.md'), join(vault, 'drafts/new name.md'));
  writeFileSync(join(vault, 'added.md'), 'added\n');
  rmSync(join(vault, 'link'));
  writeFileSync(join(vault, 'link'), 'a file now');
}

/** What a snapshot of the vault must hold, byte for byte: all but what was said to be left out, and its own log. */
function inScope(vault: string): Map<ByteString, string> {
  const leftOut = /^(?:state|_restore|node_modules|nested\/\.git)\/|\.log$|^\.env$/;
  const entries = [...manifestOf(vault)].filter(([path]) => !leftOut.test(path));
  return new Map(entries.map(([path, { kind, content, mode }]) => [path, `${kind} ${mode} ${content}`]));
}

function gitIn(folder: string, home: string, ...args: string[]): string {
  const person = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@b' };
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    ...person,
  };
  return execFileSync('git', ['-C', folder, ...args], { env, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 28 });
}
