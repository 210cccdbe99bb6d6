import { byteStringOfText, textOfByteString, type ByteString } from '../../lib/bytes.ts';
import type { Upstream } from '../../ports/git-repository.ts';
import type { LoadedConfig } from './load-config.ts';

const heads = 'refs/heads/';

/** Where the current branch is pushed to, by its settings; null when detached, or the branch has none. */
export function findUpstream(config: LoadedConfig, branch: ByteString | null): Upstream | null {
  if (branch === null || !branch.startsWith(heads)) return null;
  const name = branch.slice(heads.length);
  const remote = lastValue(config, `branch.${name}.remote`);
  const merge = lastValue(config, `branch.${name}.merge`);
  // A dot is the repository itself: nothing leaves this disk.
  if (remote === null || remote === '.' || merge === null || !merge.startsWith(heads)) return null;
  if (textOfByteString(remote) === null || remote.startsWith('-')) return null;
  return { remote, branch: merge, trackedBy: `refs/remotes/${remote}/${merge.slice(heads.length)}` };
}

function lastValue(config: LoadedConfig, key: string): ByteString | null {
  const wanted = [key, byteStringOfText(key)];
  const value = config.ownEntries.findLast((entry) => wanted.includes(entry.key))?.value ?? null;
  return value === '' ? null : value;
}
