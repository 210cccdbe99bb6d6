import { readFileSync } from 'node:fs';
import { writeFileDurably } from '../fs/durable-write.ts';
import type { S3Capabilities } from './s3-context.ts';

/** A storage may learn; what it could not do is tried again after this long. */
const refusalAgeMsMax = 30 * 24 * 60 * 60_000;

interface Saved extends S3Capabilities {
  readonly learntAtMs: number;
}

/**
 * What this machine has learnt of the storage at `url`, kept in a file so that it need not be learnt at every run. The file
 * is a cache: unreadable or unwritable, things are learnt again.
 */
export function loadCapabilities(path: string | null, options: { url: string; now: () => Date }): S3Capabilities {
  const all = path === null ? {} : readAll(path);
  const known = all[options.url];
  let current: S3Capabilities = { conditionalCreate: 'unknown', sendsChecksums: true };
  if (known !== undefined) {
    const isOld = options.now().getTime() - known.learntAtMs > refusalAgeMsMax;
    const isRefusal = known.conditionalCreate === 'refused' || !known.sendsChecksums;
    if (!isOld || !isRefusal) {
      current = { conditionalCreate: known.conditionalCreate, sendsChecksums: known.sendsChecksums };
    }
  }

  function change(next: S3Capabilities): void {
    if (next.conditionalCreate === current.conditionalCreate && next.sendsChecksums === current.sendsChecksums) return;
    current = next;
    if (path === null) return;
    try {
      const saved = { ...readAll(path), [options.url]: { ...next, learntAtMs: options.now().getTime() } };
      writeFileDurably(path, Buffer.from(`${JSON.stringify(saved)}\n`));
    } catch {
      // Learnt again next time.
    }
  }

  return {
    get conditionalCreate() {
      return current.conditionalCreate;
    },
    set conditionalCreate(value) {
      change({ ...current, conditionalCreate: value });
    },
    get sendsChecksums() {
      return current.sendsChecksums;
    },
    set sendsChecksums(value) {
      change({ ...current, sendsChecksums: value });
    },
  };
}

function readAll(path: string): Record<string, Saved> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
  const all: Record<string, Saved> = {};
  if (typeof parsed !== 'object' || parsed === null) return all;
  for (const [url, value] of Object.entries(parsed)) if (isSaved(value)) all[url] = value;
  return all;
}

function isSaved(value: unknown): value is Saved {
  if (typeof value !== 'object' || value === null) return false;
  const { conditionalCreate, sendsChecksums, learntAtMs } = value as Partial<Record<keyof Saved, unknown>>;
  return (
    (conditionalCreate === 'proved' || conditionalCreate === 'refused' || conditionalCreate === 'unknown') &&
    typeof sendsChecksums === 'boolean' &&
    typeof learntAtMs === 'number'
  );
}
