import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { bytesOf, byteStringOf, byteStringOfText, type ByteString } from '../../src/lib/bytes.ts';

export interface Found {
  readonly kind: 'file' | 'folder' | 'link';
  /** SHA-256 of a file, target of a link. */
  readonly content: string;
  readonly mode: string;
  readonly micros: bigint;
}

/** Everything below a folder but its own `.git`, by path; folders end in a slash. Bytes, modes and times. */
export function manifestOf(root: string): Map<ByteString, Found> {
  const found = new Map<ByteString, Found>();
  const onDisk = (path: ByteString): Buffer => bytesOf(`${byteStringOfText(root)}/${path}`);
  const visit = (path: ByteString): void => {
    for (const raw of readdirSync(onDisk(path), { encoding: 'buffer' })) {
      const name = path + byteStringOf(raw);
      if (name === '.git') continue;
      const full = onDisk(name);
      const stat = lstatSync(full, { bigint: true });
      const mode = (stat.mode & 0o7777n).toString(8);
      const micros = stat.mtimeNs / 1000n;
      if (stat.isDirectory()) {
        found.set(`${name}/`, { kind: 'folder', content: '', mode, micros });
        visit(`${name}/`);
      } else if (stat.isSymbolicLink()) {
        const content = readlinkSync(full, { encoding: 'latin1' });
        found.set(name, { kind: 'link', content, mode: 'link', micros });
      } else {
        const content = createHash('sha256').update(readFileSync(full)).digest('hex');
        found.set(name, { kind: 'file', content, mode, micros });
      }
    }
  };
  visit('');
  return found;
}

/** Only what a git checkout keeps: bytes, links, the executable bit; no empty folders. */
export function asGitKeepsIt(manifest: ReadonlyMap<ByteString, Found>): Map<ByteString, unknown> {
  const kept = [...manifest].filter(([, { kind }]) => kind !== 'folder');
  return new Map(
    kept.map(([path, { kind, content, mode }]) => [path, { kind, content, isExecutable: /[157]..$/.test(mode) }]),
  );
}
