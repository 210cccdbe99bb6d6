import type { ByteString } from '../../../src/lib/bytes.ts';
import { codeOf, type MemoryDisk } from './memory-disk.ts';
import * as fs from './memory-fs.ts';
import type { Edit } from './steps.ts';

/** Few names, so that edits meet: plain ones, folders, and bytes that break what takes names for text. */
export const paths: readonly ByteString[] = [
  'a',
  'b.txt',
  'dir/a',
  'dir/b',
  'dir/sub/c',
  'dir',
  '-n x',
  'new\nline',
  'caf\xc3\xa9',
  'bad\xff',
  'B.txt',
  'other/deep/er/d',
];

const targets: readonly ByteString[] = ['a', '../../outside', '/etc/passwd', 'dir', '.', 'nowhere', 'dir/../a', '\xff'];

/** Does what a person did, as far as their own permissions let them; returns whether anything was done. */
export function applyEdit(disk: MemoryDisk, root: ByteString, edit: Edit): boolean {
  try {
    return tryEdit(disk, root, edit);
  } catch (error) {
    if (codeOf(error) === '') throw error;
    disk.settle(root);
    return true;
  }
}

function tryEdit(disk: MemoryDisk, root: ByteString, edit: Edit): boolean {
  const path = `${root}/${paths[edit.path]!}`;
  const raw = Buffer.from(path, 'latin1');
  const node = disk.find(path, { follow: false });
  switch (edit.edit) {
    case 'write':
      if (!clearWay(disk, root, path)) return false;
      fs.writeFileSync(raw, contentOf(edit.content, edit.size), {});
      break;
    case 'append':
      if (node?.kind !== 'file' || (node.mode & 0o200) === 0) return false;
      fs.writeFileSync(raw, contentOf(edit.content, edit.size), { flag: 'a' });
      break;
    case 'rewrite': {
      // Other bytes, but the same size and the same time: what a stat alone cannot see (C05).
      if (node?.kind !== 'file' || node.bytes.length === 0 || (node.mode & 0o200) === 0) return false;
      const { mtimeMs } = node;
      fs.writeFileSync(raw, contentOf(edit.content + 1, node.bytes.length), {});
      fs.utimesSync(raw, mtimeMs / 1000, mtimeMs / 1000);
      break;
    }
    case 'truncate':
      if (node?.kind !== 'file' || (node.mode & 0o200) === 0) return false;
      fs.writeFileSync(raw, '', {});
      break;
    case 'delete':
      if (node === null) return false;
      fs.rmSync(raw, { recursive: true });
      break;
    case 'mkdir':
      if (node !== null || !clearWay(disk, root, path)) return false;
      fs.mkdirSync(raw);
      break;
    case 'hide':
      if (node === null || node.kind === 'link') return false;
      fs.chmodSync(raw, 0);
      break;
    case 'show':
      if (node === null || node.kind === 'link') return false;
      fs.chmodSync(raw, node.kind === 'folder' ? 0o755 : 0o644);
      break;
    case 'executable':
      if (node?.kind !== 'file') return false;
      fs.chmodSync(raw, node.mode ^ 0o111);
      break;
    case 'rename': {
      const to = `${root}/${paths[edit.to]!}`;
      if (node === null || `${to}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${to}/`)) return false;
      if (!clearWay(disk, root, to)) return false;
      fs.rmSync(Buffer.from(to, 'latin1'), { recursive: true, force: true });
      fs.renameSync(raw, Buffer.from(to, 'latin1'));
      break;
    }
    case 'link':
      if (node !== null || !clearWay(disk, root, path)) return false;
      fs.symlinkSync(Buffer.from(targets[edit.target % targets.length]!, 'latin1'), raw);
      break;
  }
  disk.settle(root);
  return true;
}

/** Makes the folders on the way, as far as nothing else has their names. */
function clearWay(disk: MemoryDisk, root: ByteString, path: ByteString): boolean {
  const names = path.slice(root.length + 1).split('/');
  let folder: ByteString = root;
  for (const name of names.slice(0, -1)) {
    folder = `${folder}/${name}`;
    const node = disk.find(folder, { follow: false });
    if (node === null) fs.mkdirSync(Buffer.from(folder, 'latin1'));
    else if (node.kind !== 'folder' || (node.mode & 0o700) !== 0o700) return false;
  }
  const node = disk.find(path, { follow: false });
  return node === null || (node.kind === 'file' && (node.mode & 0o200) !== 0);
}

/** Text that compresses, and for odd numbers bytes that do not. */
function contentOf(content: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) {
    bytes[i] = content % 2 === 0 ? 97 + ((i * (content + 3)) % 20) : (i * i * 31 + content * 97 + (i >> 3)) & 0xff;
  }
  return bytes;
}
