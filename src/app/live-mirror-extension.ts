import type { Deps } from '../engine/deps.ts';
import { updateLiveMirror } from '../engine/live-mirror.ts';
import type { WatchExtension } from '../engine/watch/extensions.ts';
import type { Config } from './config.ts';

/** With "live": the mirror of plain files follows each snapshot that reached the store. */
export function liveMirrorExtension(deps: Deps, config: Config): WatchExtension {
  return {
    name: 'live mirror',
    async afterSnapshot(_outcome, signal) {
      if (config.live) await updateLiveMirror(deps, { signal });
    },
  };
}
