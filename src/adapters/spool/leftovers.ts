import { lstatSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';

const draftPattern = /^draft-([a-z0-9-]{1,64})-(\d{1,10})-[0-9a-f]{12}$/;
const removalPrefix = 'removed-';
const bootSlackMs = 60_000;

/** Names of drafts this process is writing: a pid alone proves little where pids are few, as in a container. */
const openDrafts = new Set<string>();

/** Name for a new draft of this process. `nonce` is 12 hex digits. */
export function draftName(machineId: string, nonce: string): string {
  return `draft-${machineId}-${process.pid}-${nonce}`;
}

/** Says that this process writes a draft, so that sweeping leaves it alone. */
export function claimDraft(name: string): void {
  openDrafts.add(name);
}

/** Says that this process is done with a draft, whatever became of it. */
export function forgetDraft(name: string): void {
  openDrafts.delete(name);
}

/** What a published entry is called while it is being deleted. */
export function removalName(entryName: string): string {
  return `${removalPrefix}${entryName}`;
}

/**
 * Says whether a folder of the spool is what a dead process left behind. Drafts of other machines that share the
 * folder are left alone: nothing here can tell whether they are alive.
 */
export function isAbandoned(spool: string, name: string, machineId: string): 'draft' | 'removal' | null {
  if (name.startsWith(removalPrefix)) return 'removal';
  const [, machine, pid] = draftPattern.exec(name) ?? [];
  if (machine !== machineId || openDrafts.has(name)) return null;
  const isAlive = Number(pid) !== process.pid && isRunning(Number(pid)) && !isOfEarlierBoot(join(spool, name));
  return isAlive ? null : 'draft';
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not allowed to signal it: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** After a restart pids start over, so a living one may be anybody's. */
function isOfEarlierBoot(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  return stat.mtimeMs < Date.now() - uptime() * 1000 - bootSlackMs;
}
