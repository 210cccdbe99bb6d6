import { textOfByteString } from '../../lib/bytes.ts';
import type { Upstream } from '../../ports/git-repository.ts';
import type { ProgramRunner } from '../../ports/program-runner.ts';

/** Pushes one branch to where its settings say; null when it is done, else why not, as a clause. */
export type PushBranch = (upstream: Upstream, branch: string, signal: AbortSignal) => Promise<string | null>;

const pushMs = 120_000;

/** Opens `git push` for one repository: never forced, never more than the one branch, never asking for anything. */
export function openGitPusher(options: { readonly root: string; readonly programs: ProgramRunner }): PushBranch {
  return async (upstream, branch, signal) => {
    const remote = textOfByteString(upstream.remote);
    const target = textOfByteString(upstream.branch);
    const source = textOfByteString(branch);
    if (remote === null || target === null || source === null) return 'its name is not valid UTF-8';
    const end = await options.programs.run({
      words: ['git', '-C', options.root, 'push', '--quiet', '--no-follow-tags', '--', remote, `${source}:${target}`],
      cwd: options.root,
      env: {
        GIT_TERMINAL_PROMPT: '0',
        GIT_ASKPASS: 'true',
        SSH_ASKPASS_REQUIRE: 'never',
        HOLDFAST_HOOK: '1',
        LC_ALL: 'C',
      },
      timeoutMs: pushMs,
      signal,
    });
    switch (end.kind) {
      case 'done':
      case 'stopped':
        return null;
      case 'timed_out':
        return `no end within ${pushMs / 1000} s`;
      case 'not_started':
        return 'there is no git program';
      case 'failed':
        return /\(non-fast-forward\)|\(fetch first\)/.test(end.output)
          ? 'the remote has commits this branch does not'
          : `git ended with code ${end.exitCode ?? '?'}`;
    }
  };
}
