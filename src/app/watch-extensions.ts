import { openGitPusher } from '../adapters/git/open-git-pusher.ts';
import { openProgramRunner } from '../adapters/process/open-program-runner.ts';
import { createAlertExtension } from '../engine/alert-extension.ts';
import type { Deps } from '../engine/deps.ts';
import { createGitExtension } from '../engine/git-extension.ts';
import { createGuardExtension } from '../engine/guard-extension.ts';
import type { WatchExtension } from '../engine/watch/extensions.ts';
import { createRedactor } from '../format/redact.ts';
import type { Config } from './config.ts';
import type { Host } from './host.ts';
import { liveMirrorExtension } from './live-mirror-extension.ts';
import { autoPushAction, openTrust } from './outside-actions.ts';
import { replicationExtension } from './scheduled-replication.ts';

const minuteMs = 60_000;

/** What the watcher does besides capturing: the guard first, so that its word on a burst is in the index before any alert. */
export function watchExtensions(deps: Deps, config: Config, host: Host): readonly WatchExtension[] {
  const { guard, git, targets } = config;
  const mayPush = git.autoPush && openTrust(config, () => host.now()).isTrusted(autoPushAction);
  const programs = openProgramRunner({ env: host.env, redact: createRedactor(host.env) });
  return [
    createGuardExtension(deps, { percent: guard.percent, deletions: guard.deletions, windowMs: guard.window }),
    createAlertExtension(deps, {
      storeAwayMs: 30 * minuteMs,
      staleMs: targets.rpo,
      unpushedMs: 240 * minuteMs,
      warnUnpushed: git.warnUnpushed,
    }),
    replicationExtension(deps, config),
    liveMirrorExtension(deps, config),
    createGitExtension(deps, { push: mayPush ? openGitPusher({ root: config.vaultRoot, programs }) : null }),
  ];
}
