import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** The calls by which our adapters change a disk. */
const changingCalls = [
  'mkdirSync',
  'openSync',
  'writeSync',
  'writeFileSync',
  'fsyncSync',
  'renameSync',
  'linkSync',
  'unlinkSync',
  'rmSync',
  'chmodSync',
] as const;

export interface FailAt {
  /** The first call that fails, from 1. */
  readonly call: number;
  /** 'once' is an error of the system; 'from then on' is what a kill looks like to the disk. */
  readonly how: 'once' | 'from then on';
  readonly code?: string;
}

/**
 * Runs `action` while the n-th synchronous call that changes the disk fails before it does anything. Returns how many calls
 * there were; when that is less than `call`, nothing failed.
 */
export async function withFailingFs(failAt: FailAt, action: () => Promise<void>): Promise<number> {
  const mutable = fs as unknown as Record<string, (...args: never[]) => unknown>;
  const originals = changingCalls.map((name) => [name, mutable[name]!] as const);
  let count = 0;
  for (const [name, original] of originals) {
    mutable[name] = (...args) => {
      count++;
      if (failAt.how === 'once' ? count === failAt.call : count >= failAt.call) {
        throw Object.assign(new Error(`injected at call ${count}, ${name}`), { code: failAt.code ?? 'EINJECTED' });
      }
      return original(...args);
    };
  }
  syncBuiltinESMExports();
  try {
    await action();
  } finally {
    for (const [name, original] of originals) mutable[name] = original;
    syncBuiltinESMExports();
  }
  return count;
}
