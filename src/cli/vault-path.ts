import { posix, win32 } from 'node:path';
import { byteStringOfText, type ByteString } from '../lib/bytes.ts';
import { HoldfastError } from '../model/errors.ts';

/**
 * Reads a path as typed: relative to the current folder when that is in the vault, to the vault otherwise, or absolute.
 * Returns it relative to the vault, '' for the vault itself.
 * @throws {HoldfastError} `path_invalid` when it lies outside the vault
 */
export function parseVaultPath(
  raw: string,
  where: { readonly cwd: string; readonly root: string; readonly platform: NodeJS.Platform },
): ByteString {
  const paths = where.platform === 'win32' ? win32 : posix;
  const isInside = (path: string): boolean => {
    const rest = paths.relative(where.root, path);
    return rest !== '..' && !rest.startsWith(`..${paths.sep}`) && !paths.isAbsolute(rest);
  };
  const start = isInside(paths.resolve(where.cwd)) ? where.cwd : where.root;
  const path = paths.resolve(start, raw);
  if (raw === '' || raw.includes('\0') || !isInside(path)) {
    throw new HoldfastError('path_invalid', `${JSON.stringify(raw)} is not a path in the vault.`, {
      hint: `Name a file or folder relative to ${JSON.stringify(where.root)}`,
    });
  }
  return byteStringOfText(paths.relative(where.root, path).replaceAll(paths.sep, '/'));
}
