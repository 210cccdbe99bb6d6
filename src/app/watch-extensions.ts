import type { WatchExtension } from '../engine/watch/extensions.ts';
import type { Session } from './compose.ts';
import type { Config } from './config.ts';

/** What other features add to the watcher, in the order they are called. */
export function watchExtensions(_session: Session, _config: Config): readonly WatchExtension[] {
  return [];
}
