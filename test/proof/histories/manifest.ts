import type { ByteString } from '../../../src/lib/bytes.ts';
import type { DiskNode, MemoryDisk } from './memory-disk.ts';

/** What a folder holds, by path: one line for each entry. The model's own idea of a snapshot; no code of the product in it. */
export type Manifest = ReadonlyMap<ByteString, Entry>;

export interface Entry {
  readonly kind: 'file' | 'folder' | 'link';
  /** Bytes of a file or target of a link, as a byte string. */
  readonly content: string;
  readonly mode: number;
  readonly mtimeMs: number;
}

/** Our own places in a vault: no part of what is compared. */
const own = new Set(['state', '_restore', '.git']);

export function manifestOf(disk: MemoryDisk, root: ByteString): Manifest {
  const manifest = new Map<ByteString, Entry>();
  const visit = (node: DiskNode, prefix: ByteString): void => {
    if (node.kind !== 'folder') return;
    for (const [name, child] of node.entries) {
      if (prefix === '' && own.has(name)) continue;
      const path = prefix + name;
      const content =
        child.kind === 'file' ? Buffer.from(child.bytes).toString('latin1') : child.kind === 'link' ? child.target : '';
      manifest.set(path, {
        kind: child.kind,
        content,
        mode: child.kind === 'link' ? 0 : child.mode & 0o7777,
        mtimeMs: child.mtimeMs,
      });
      visit(child, `${path}/`);
    }
  };
  const node = disk.find(root, { follow: false });
  if (node !== null) visit(node, '');
  return manifest;
}

/** What a restore must give for what was there: modes as far as they are promised. */
export function asRestored(manifest: Manifest): Manifest {
  return new Map(
    [...manifest].map(([path, entry]) => {
      const mode = entry.kind === 'folder' ? (entry.mode & 0o777) | 0o700 : entry.mode & 0o777;
      return [path, { ...entry, mode }];
    }),
  );
}

/** Paths that differ, with the way they do; empty when both are the same. */
export function differences(
  expected: Manifest,
  found: Manifest,
  compare: (a: Entry, b: Entry) => boolean = isSame,
): string[] {
  const lines: string[] = [];
  for (const [path, entry] of expected) {
    const other = found.get(path);
    if (other === undefined) lines.push(`missing ${JSON.stringify(path)}`);
    else if (!compare(entry, other))
      lines.push(`${JSON.stringify(path)}: ${describe(entry)} became ${describe(other)}`);
  }
  for (const path of found.keys()) if (!expected.has(path)) lines.push(`extra ${JSON.stringify(path)}`);
  return lines;
}

export function isSame(a: Entry, b: Entry): boolean {
  return a.kind === b.kind && a.content === b.content && a.mode === b.mode && a.mtimeMs === b.mtimeMs;
}

/** What makes a change of the vault: not its times. */
export function isSameContent(a: Entry, b: Entry): boolean {
  return a.kind === b.kind && a.content === b.content && (a.kind !== 'file' || ((a.mode ^ b.mode) & 0o100) === 0);
}

function describe({ kind, content, mode, mtimeMs }: Entry): string {
  return `${kind} ${mode.toString(8)} @${mtimeMs} ${JSON.stringify(content.slice(0, 30))}`;
}
