import { decodeEntryHeader, inflateContent } from '../../format/git/pack-entry.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { objectIdOf } from '../../format/git/object-id.ts';
import { isHoldfastError } from '../../model/errors.ts';
import { createFileWith, type UmaskMemo } from './create-file.ts';
import { openOwnFolder, type OpenFolder, type RestoreRoot } from './own-folder.ts';
import { describeAlias, describeRefusal } from './target-name.ts';
import type { WriteFinding, WriteJob } from './write-job.ts';

/**
 * Inflates, proves and writes every file of a job, in order, with synchronous calls: for small files they cost a third of
 * promises. A file whose bytes are not what its name promises is not written and comes back as `damaged`.
 */
export function runWriteJob(root: RestoreRoot, job: WriteJob, umask: UmaskMemo): WriteFinding[] {
  const findings: WriteFinding[] = [];
  const names = job.names.split('\0');
  let openRow = -1;
  let folder: OpenFolder | null = null;
  try {
    for (let i = 0; i < names.length; i++) {
      const content = readContent(job, i, findings);
      if (content === null) continue;
      // Files of one folder lie side by side in a pack, so one open folder at a time is enough.
      const row = job.folderRows[i]!;
      if (folder === null || row !== openRow) {
        folder?.[Symbol.dispose]();
        folder = null;
        folder = openOwnFolder(root, job.folders[row]!);
        openRow = row;
      }
      writeOne(folder, { job, i, name: names[i]!, content, umask }, findings);
    }
  } finally {
    folder?.[Symbol.dispose]();
  }
  return findings;
}

interface OneFile {
  readonly job: WriteJob;
  readonly i: number;
  readonly name: ByteString;
  readonly content: Uint8Array;
  readonly umask: UmaskMemo;
}

function writeOne(folder: OpenFolder, one: OneFile, findings: WriteFinding[]): void {
  const { job, i, name, content, umask } = one;
  const mtime = job.mtimes[i]!;
  const path = `${job.folders[job.folderRows[i]!]!.path}/${name}`;
  const options = {
    path,
    permissions: job.permissions[i]!,
    umask,
    mtimeMs: Number.isNaN(mtime) ? null : mtime,
    content,
  };
  try {
    const file = createFileWith(folder, name, options);
    if (file.reason === null) return;
    findings.push({ file: i, code: file.reason, message: describeAlias(file.reason, file.name) });
  } catch (error) {
    const refusal = describeRefusal(error);
    if (refusal === null) throw error;
    findings.push({ file: i, code: 'not_restored', message: refusal });
  }
}

function readContent(job: WriteJob, i: number, findings: WriteFinding[]): Uint8Array | null {
  const id = job.ids.slice(i * 40, i * 40 + 40);
  try {
    const header = decodeEntryHeader(job.bytes, job.starts[i]!);
    if (header.kind === 'object' && header.type === 'blob') {
      const { content } = inflateContent(job.bytes.subarray(header.dataStart, job.ends[i]!), header.sizeBytes);
      if (objectIdOf('blob', content) === id) return content;
    }
    findings.push({
      file: i,
      code: 'damaged',
      message: `object ${id} in the store has other bytes than its name says`,
    });
  } catch (error) {
    if (!isHoldfastError(error, 'object_corrupt', 'pack_corrupt')) throw error;
    findings.push({ file: i, code: 'damaged', message: `object ${id} in the store is damaged` });
  }
  return null;
}
