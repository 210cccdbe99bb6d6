import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary bare-minimum repository, and the stock `git` that judges what is put into it. */
export interface GitOracle extends Disposable {
  /** The repository's root. */
  readonly directory: string;
  /** `objects/pack` of it. */
  readonly packDirectory: string;
  /** Runs git and returns its standard output; throws when it fails. */
  git(args: readonly string[], input?: string | Uint8Array): Buffer;
  /** Runs git and returns what happened. */
  tryGit(
    args: readonly string[],
    input?: string | Uint8Array,
  ): { readonly ok: boolean; readonly output: string; readonly errors: string };
}

/** Creates an empty repository below the system's temporary folder, blind to the machine's own git settings. */
export function openGitOracle(): GitOracle {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-git-'));
  const directory = join(home, 'repository');
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
    GIT_AUTHOR_DATE: '1700000000 +0000',
    GIT_COMMITTER_DATE: '1700000000 +0000',
  };
  const options = { env, maxBuffer: 1 << 30 };
  execFileSync('git', ['init', '-q', '-b', 'main', directory], options);
  const run = (args: readonly string[], input?: string | Uint8Array) =>
    spawnSync('git', ['-C', directory, ...args], { ...options, input: input ?? '' });
  return {
    directory,
    packDirectory: join(directory, '.git', 'objects', 'pack'),
    git(args, input) {
      const result = run(args, input);
      if (result.error !== undefined) throw result.error;
      if (result.status !== 0) throw new Error(`git ${args.join(' ')} failed: ${result.stderr.toString()}`);
      return result.stdout;
    },
    tryGit(args, input) {
      const result = run(args, input);
      return { ok: result.status === 0, output: result.stdout.toString('latin1'), errors: result.stderr.toString() };
    },
    [Symbol.dispose]() {
      rmSync(home, { recursive: true, force: true });
    },
  };
}
