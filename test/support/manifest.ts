import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { bytesOf, byteStringOf, byteStringOfText, type ByteString } from '../../src/lib/bytes.ts';

export interface ManifestEntry {
  readonly kind: 'file' | 'folder' | 'link' | 'special';
  /** SHA-256 of a file, target of a link. */
  readonly content: string;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
  readonly hardLinks: bigint;
}

/** Everything below a folder, by path. */
export type Manifest = Map<ByteString, ManifestEntry>;

/** Reads a folder, git's own included, but for the paths (and what is below them) that `isSkipped` names. */
export function manifestOf(root: string, isSkipped: (path: ByteString) => boolean = () => false): Manifest {
  const manifest: Manifest = new Map();
  const visit = (prefix: ByteString): void => {
    for (const raw of readdirSync(bytesOf(`${byteStringOfText(root)}/${prefix}`), { encoding: 'buffer' })) {
      const path = prefix + byteStringOf(raw);
      if (isSkipped(path)) continue;
      const full = bytesOf(`${byteStringOfText(root)}/${path}`);
      const stat = lstatSync(full, { bigint: true });
      const common = { mtimeNs: stat.mtimeNs, inode: stat.ino, hardLinks: stat.nlink };
      const mode = Number(stat.mode & 0o7777n);
      if (stat.isDirectory()) {
        manifest.set(path, { kind: 'folder', content: '', mode, ...common });
        visit(`${path}/`);
      } else if (stat.isSymbolicLink()) {
        manifest.set(path, { kind: 'link', content: readlinkSync(full, { encoding: 'latin1' }), mode, ...common });
      } else if (stat.isFile()) {
        const content = createHash('sha256').update(readFileSync(full)).digest('hex');
        manifest.set(path, { kind: 'file', content, mode, ...common });
      } else {
        manifest.set(path, { kind: 'special', content: '', mode, ...common });
      }
    }
  };
  visit('');
  return manifest;
}
