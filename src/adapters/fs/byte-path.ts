import { closeSync, constants, openSync } from 'node:fs';
import { bytesOf, isAscii, type ByteString } from '../../lib/bytes.ts';

/**
 * Joins a folder of this system and a path below it into what `node:fs` takes: a string while it is ASCII (cheaper), the
 * raw bytes otherwise. An empty path names the folder itself.
 */
export function joinBytePath(root: string, path: ByteString): string | Buffer {
  if (path === '') return root;
  const prefix = root.endsWith('/') ? root : `${root}/`;
  return isAscii(path) ? prefix + path : Buffer.concat([Buffer.from(prefix), bytesOf(path)]);
}

/**
 * Calls `use` with a path by which the system can reach `path` below `root`, however long it is. Systems refuse paths
 * beyond about 4,096 bytes in one call; on Linux the way then leads through open folders, none of them a link.
 */
export function withReachablePath<T>(root: string, path: ByteString, use: (path: string | Buffer) => T): T {
  if (root.length * 3 + path.length < pathBytesSafe || process.platform !== 'linux')
    return use(joinBytePath(root, path));
  let folder = -1;
  try {
    let base = root;
    let rest = path;
    while (rest.length + Buffer.byteLength(base) >= pathBytesSafe) {
      const cut = rest.lastIndexOf('/', pathBytesSafe - Buffer.byteLength(base));
      if (cut <= 0) break;
      const next = openSync(joinBytePath(base, rest.slice(0, cut)), folderFlags);
      if (folder >= 0) closeSync(folder);
      folder = next;
      base = `/proc/self/fd/${folder}`;
      rest = rest.slice(cut + 1);
    }
    return use(joinBytePath(base, rest));
  } finally {
    if (folder >= 0) closeSync(folder);
  }
}

/** PATH_MAX is 4,096 with the final NUL; one name (255) less leaves room for what callers append. */
const pathBytesSafe = 3840;
const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
