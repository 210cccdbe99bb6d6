import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurably } from '../adapters/fs/durable-write.ts';
import { mapFsError } from '../adapters/fs/map-fs-error.ts';
import { readRegularFile } from '../adapters/fs/read-regular.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Config } from './config.ts';

const fileName = 'RECOVERY.md';
/** In every page we write: what tells ours from a person's own. */
const ourMark = 'Written by `holdfast runbook --write`';
const pageBytesMax = 1024 * 1024;

/**
 * Writes the recovery page into the vault, over an earlier one of ours only. Returns its name.
 * @throws {HoldfastError} `file_not_ours` when a RECOVERY.md of the person's own is there
 */
export function writeRecoveryPage(config: Config, text: string): string {
  const path = join(config.vaultRoot, fileName);
  try {
    if (existsSync(path) && !isOurs(path)) throw notOurs();
    writeFileDurably(path, Buffer.from(text), 0o644);
  } catch (error) {
    throw mapFsError(error, `write ${fileName}`);
  }
  return fileName;
}

function isOurs(path: string): boolean {
  const page = readRegularFile(path, pageBytesMax);
  return Buffer.isBuffer(page) && page.toString('utf8').includes(ourMark);
}

function notOurs(): HoldfastError {
  return new HoldfastError('file_not_ours', `The vault has a ${fileName} that holdfast did not write.`, {
    hint: 'Rename it, then run the command again. Nothing was changed.',
  });
}
