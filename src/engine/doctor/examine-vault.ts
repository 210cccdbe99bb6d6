import { formatCount, formatSize } from '../../format/size.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { VaultTree } from '../../model/vault-tree.ts';
import type { Deps } from '../deps.ts';
import { assertHoldingIgnored } from '../restore.ts';
import type { Finding } from './finding.ts';

/** What of this machine matters; null where the system does not say. */
export interface MachineLimits {
  readonly nodeVersion: string;
  readonly watchesMax: number | null;
  readonly watchInstancesMax: number | null;
  readonly openKeyFiles: readonly string[];
}

const freeBytesMin = 1024 ** 3;
const instancesMin = 128;

/** Looks at the vault and this machine; changes nothing but what every scan remembers. */
export async function examineVault(
  deps: Deps,
  limits: MachineLimits,
  options: { signal?: AbortSignal | undefined },
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const add = (id: string, level: Finding['level'], text: string, remedy = ''): void => {
    findings.push({ id, level, text, remedy });
  };
  add('node', 'good', `runs on Node ${limits.nodeVersion}`);
  const scan = await deps.workingTree.scan({
    base: await deps.statCache.load(),
    ignore: await deps.repository.ignoreSources(),
    tracked: await deps.repository.trackedPaths(),
    signal: options.signal,
  });
  findings.push(...watchFindings(scan.tree, limits));
  await judgeHolding(deps, add);
  const freeBytes = await deps.holdingArea.freeBytes();
  if (freeBytes !== null && freeBytes < freeBytesMin) {
    add(
      'space',
      'warning',
      `only ${formatSize(freeBytes)} free beside the vault`,
      'free some space: snapshots wait here while offline',
    );
  } else if (freeBytes !== null) add('space', 'good', `${formatSize(freeBytes)} free beside the vault`);
  const left = scan.ledger.reduce((sum, entry) => sum + entry.fileCount, 0);
  if (scan.ledger.length > 0) {
    const text = `${formatCount(scan.ledger.length)} rules leave out ${formatCount(left)} files`;
    add('not_protected', 'note', text, 'see them: holdfast status; opt in with "!pattern" in .syncignore');
  }
  for (const problem of scan.problems.slice(0, 1)) {
    add(
      'unreadable',
      'warning',
      `${scan.problems.length} paths cannot be captured: ${problem.message}`,
      'holdfast snapshot names them',
    );
  }
  const { damage } = await deps.snapshotIndex.read();
  if (damage.length === 0) add('index', 'good', 'the snapshot index is whole');
  else add('index', 'warning', `${damage.length} lines of the snapshot index cannot be read`, 'holdfast reindex');
  for (const file of limits.openKeyFiles) {
    add(
      'key_file',
      'warning',
      `other users of this machine can read the key file ${JSON.stringify(file)}`,
      `chmod 600 ${JSON.stringify(file)}`,
    );
  }
  return findings;
}

function watchFindings(tree: VaultTree, limits: MachineLimits): readonly Finding[] {
  const { watchesMax, watchInstancesMax } = limits;
  const folders = tree.folderCount;
  const findings: Finding[] = [];
  if (watchesMax !== null) {
    // Editors and other programs of the same user count against the same limit.
    const isEnough = folders < watchesMax / 2;
    const text = `${formatCount(folders)} folders to watch, ${formatCount(watchesMax)} watches allowed`;
    const remedy = `sudo sysctl fs.inotify.max_user_watches=${Math.max(524_288, folders * 4)} (until then: rescans)`;
    findings.push({ id: 'watches', level: isEnough ? 'good' : 'warning', text, remedy: isEnough ? '' : remedy });
  }
  if (watchInstancesMax !== null && watchInstancesMax < instancesMin) {
    const text = `only ${watchInstancesMax} programs of one user may watch`;
    findings.push({
      id: 'watch_instances',
      level: 'warning',
      text,
      remedy: 'sudo sysctl fs.inotify.max_user_instances=512',
    });
  }
  return findings;
}

async function judgeHolding(
  deps: Deps,
  add: (id: string, level: Finding['level'], text: string, remedy?: string) => void,
): Promise<void> {
  try {
    await assertHoldingIgnored(deps);
    add('holding', 'good', `git ignores ${deps.holdingArea.name}/`);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    add('holding', 'warning', error.message, error.hint ?? '');
  }
}
