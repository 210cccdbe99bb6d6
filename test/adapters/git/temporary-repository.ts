import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openGitRepository } from '../../../src/adapters/git/open-git-repository.ts';
import type { GitRepository } from '../../../src/ports/git-repository.ts';

/** A temporary folder with repositories made by stock git, blind to the machine's own git settings. */
export class TemporaryRepositories implements Disposable {
  /** Real path; also the home folder. */
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-repository-')));
  readonly env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: this.root,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
  };
  #seconds = 1_700_000_000;

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** Runs git in a folder; each call happens ten seconds after the one before. */
  git(folder: string, args: readonly string[], input = ''): string {
    const result = this.tryGit(folder, args, input);
    if (result.status !== 0) throw new Error(`git ${args.join(' ')} failed: ${result.stderr}`);
    return result.stdout;
  }

  tryGit(
    folder: string,
    args: readonly string[],
    input = '',
  ): { status: number | null; stdout: string; stderr: string } {
    this.#seconds += 10;
    const date = `${this.#seconds} +0000`;
    const env = { ...this.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    const options = { cwd: folder, env, input, encoding: 'latin1', maxBuffer: 1 << 28 } as const;
    const { status, stdout, stderr } = spawnSync('git', ['-c', 'protocol.file.allow=always', ...args], options);
    return { status, stdout, stderr };
  }

  write(folder: string, files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
  }

  run(command: string, args: readonly string[]): void {
    const { status, stderr } = spawnSync(command, args, { encoding: 'latin1' });
    if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
  }

  list(folder: string, path: string): string[] {
    return readdirSync(join(folder, path));
  }

  remove(folder: string, path: string): void {
    rmSync(join(folder, path), { recursive: true });
  }

  /** A repository with one commit. */
  create(name: string, args: readonly string[] = []): string {
    const folder = this.path(name);
    this.git(this.root, ['init', '-q', '-b', 'main', ...args, folder]);
    this.commit(folder, { 'a.txt': 'one\n', 'sub/b.txt': 'two\n' });
    return folder;
  }

  commit(folder: string, files: Readonly<Record<string, string>>): string {
    this.write(folder, files);
    this.git(folder, ['add', '-A']);
    this.git(folder, ['commit', '-q', '-m', 'A change']);
    return this.head(folder);
  }

  head(folder: string): string {
    return this.git(folder, ['rev-parse', 'HEAD']).trim();
  }

  /** Makes everything below a folder look untouched for a while. */
  ageTree(folder: string, seconds: number): void {
    const time = Date.now() / 1000 - seconds;
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      utimesSync(join(entry.parentPath, entry.name), time, time);
    }
    utimesSync(folder, time, time);
  }

  open(folder: string, env: Record<string, string> = {}): GitRepository {
    return openGitRepository(folder, { env: { ...this.env, ...env }, home: this.root });
  }
}

/** A digest of every name, kind, mode, time and byte below a folder. */
export function treeDigest(folder: string): string {
  const digest = createHash('sha256');
  const visit = (path: string): void => {
    const stat = lstatSync(path, { bigint: true });
    digest.update(`${path}\0${stat.mode}\0${stat.mtimeNs}\0${stat.ctimeNs}\0${stat.ino}\0`);
    if (stat.isSymbolicLink()) digest.update(readlinkSync(path));
    else if (stat.isFile()) digest.update(readFileSync(path));
    else if (stat.isDirectory()) for (const name of readdirSync(path).toSorted()) visit(join(path, name));
  };
  visit(folder);
  return digest.digest('hex');
}
