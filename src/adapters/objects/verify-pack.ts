import { createHash, hash } from 'node:crypto';
import { indexPack } from '../../format/git/index-pack.ts';
import { isHoldfastError } from '../../model/errors.ts';
import type { PackSource } from '../../ports/object-access.ts';
import type { ObjectStorage } from '../../ports/object-storage.ts';
import { fetcherOf } from './fetch-pack.ts';
import { createStepReader } from './step-reader.ts';

export interface VerifyPackOptions {
  readonly storage: ObjectStorage;
  /** 'checksum' compares the bytes with the record; 'objects' also proves every object in them. */
  readonly depth: 'checksum' | 'objects';
  readonly signal?: AbortSignal | undefined;
}

const stepBytes = 4 * 1024 * 1024;

/**
 * Reads every byte of one pack and returns what is wrong with it, as sentences; nothing when it is proved. Memory stays
 * bounded whatever its size.
 */
export async function verifyPack(source: PackSource, options: VerifyPackOptions): Promise<readonly string[]> {
  const { ref } = source;
  const { signal } = options;
  const readRange = createStepReader(fetcherOf(source, options.storage), { sizeBytes: ref.sizeBytes, signal });
  const findings: string[] = [];
  try {
    if (options.depth === 'checksum') {
      const sha256 = await checksum(readRange, ref.sizeBytes);
      if (sha256 !== ref.sha256) findings.push(`${ref.key} does not match its checksum in the record.`);
      return findings;
    }
    const built = await indexPack({ sizeBytes: ref.sizeBytes, readRange, signal });
    if (built.sha256 !== ref.sha256) findings.push(`${ref.key} does not match its checksum in the record.`);
    if (hash('sha256', built.indexBytes, 'hex') !== ref.indexSha256) {
      findings.push(`${ref.key} does not hold the objects its index in the record lists.`);
    }
  } catch (error) {
    if (!isHoldfastError(error) || error.kind !== 'integrity') throw error;
    findings.push(`${ref.key}: ${error.message}`);
  }
  return findings;
}

async function checksum(
  readRange: (start: number, end: number) => Uint8Array | Promise<Uint8Array>,
  sizeBytes: number,
): Promise<string> {
  const sha256 = createHash('sha256');
  for (let start = 0; start < sizeBytes; start += stepBytes) {
    sha256.update(await readRange(start, Math.min(sizeBytes, start + stepBytes)));
  }
  return sha256.digest('hex');
}
