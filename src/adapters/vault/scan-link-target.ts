import type { ByteString } from '../../lib/bytes.ts';

/**
 * True when a link's target, taken by its words alone, lies outside the vault. `folder` is the link's folder relative to the
 * vault, `root` the vault's absolute path ending in '/'. The target is never looked at.
 */
export function leavesVault(target: ByteString, folder: ByteString, root: ByteString): boolean {
  if (target.startsWith('/')) return !`${normalised(target)}/`.startsWith(root);
  let depth = folder === '' ? 0 : folder.split('/').length;
  for (const part of target.split('/')) {
    if (part === '..') depth--;
    else if (part !== '' && part !== '.') depth++;
    if (depth < 0) return true;
  }
  return false;
}

function normalised(path: ByteString): ByteString {
  const parts: ByteString[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
