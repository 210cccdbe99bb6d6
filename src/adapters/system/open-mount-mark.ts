import { hash } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';

/** Makes the function whose answer changes when something is mounted or unmounted in the vault, or the vault's own disk is. */
export function openMountMark(vaultRoot: string): () => string {
  // The kernel writes spaces and the like in mount points as octal.
  const root = vaultRoot.replaceAll(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return () => `${rootMark(vaultRoot)} ${mountsAt(root)}`;
}

function rootMark(vaultRoot: string): string {
  const stat = lstatSync(vaultRoot, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.dev}:${stat.ino}`;
}

/** Where the system lists no mounts, the rescans alone see them. */
function mountsAt(root: string): string {
  if (process.platform !== 'linux') return '';
  try {
    const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n');
    return hash('sha256', lines.filter((line) => concerns(line.split(' ')[4] ?? '', root)).join('\n'));
  } catch {
    return '';
  }
}

function concerns(mountPoint: string, root: string): boolean {
  return mountPoint === root || mountPoint.startsWith(`${root}/`) || root.startsWith(mountPoint);
}
