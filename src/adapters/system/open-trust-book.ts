import { join } from 'node:path';
import {
  type Approval,
  approvalsBytesMax,
  decodeApprovals,
  digestOfAction,
  encodeApprovals,
} from '../../format/approvals.ts';
import { sha256Of } from '../../format/digest.ts';
import type { Sha256 } from '../../model/ids.ts';
import type { OutsideAction } from '../../model/outside.ts';
import type { TrustBook } from '../../ports/trust-book.ts';
import { writeFileDurably } from '../fs/durable-write.ts';
import { makeFolders } from '../fs/make-folders.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';
import { readRegularFile } from '../fs/read-regular.ts';

/** A larger file named by a command is not hashed: such an action is never trusted. */
const fileBytesMax = 64 * 1024 * 1024;

/** Opens the approvals of one vault in `trusted.json` of the user's data folder. Reads it anew at every question. */
export function openTrustBook(options: {
  readonly dataRoot: string;
  /** Absolute, links resolved. */
  readonly vaultRoot: string;
  readonly now: () => Date;
}): TrustBook {
  const { dataRoot, vaultRoot } = options;
  const path = join(dataRoot, 'trusted.json');

  const save = (approvals: readonly Approval[]): void => {
    try {
      makeFolders(dataRoot, 0o700);
      writeFileDurably(path, encodeApprovals(approvals));
    } catch (error) {
      throw mapFsError(error, `keep what was approved in ${JSON.stringify(path)}`);
    }
  };
  return {
    isTrusted(action) {
      const digest = digestOf(action, vaultRoot);
      return digest !== null && read(path).some(({ vault, sha256 }) => vault === vaultRoot && sha256 === digest);
    },
    trust(actions) {
      const known = read(path);
      const at = options.now().toISOString();
      const fresh = actions.flatMap((action): Approval[] => {
        const sha256 = digestOf(action, vaultRoot);
        return sha256 === null ? [] : [{ vault: vaultRoot, setting: action.setting, sha256, at }];
      });
      const digests = new Set(fresh.map(({ sha256 }) => sha256));
      save([...known.filter(({ sha256 }) => !digests.has(sha256)), ...fresh]);
    },
    forget() {
      const known = read(path);
      const rest = known.filter(({ vault }) => vault !== vaultRoot);
      if (rest.length < known.length) save(rest);
      return known.length - rest.length;
    },
  };
}

function read(path: string): readonly Approval[] {
  try {
    const bytes = readRegularFile(path, approvalsBytesMax);
    return typeof bytes === 'string' ? [] : (decodeApprovals(bytes) ?? []);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw mapFsError(error, `read what was approved in ${JSON.stringify(path)}`);
  }
}

/** Null when a file it names cannot be pinned down. */
function digestOf(action: OutsideAction, vaultRoot: string): Sha256 | null {
  const files = new Map<number, Sha256>();
  for (const [number, word] of action.words.entries()) {
    const bytes = bytesOfNamed(join(vaultRoot, word));
    if (bytes === 'too_large') return null;
    if (bytes !== null) files.set(number, sha256Of(bytes));
  }
  return digestOfAction(action, { vaultRoot, files });
}

/** A word such as `./dump.sh` or `scripts/dump.sh` means a file of the vault, whose bytes anybody with a pull can change. */
function bytesOfNamed(path: string): Buffer | 'too_large' | null {
  if (path.includes('\0')) return null;
  try {
    const bytes = readRegularFile(path, fileBytesMax);
    return bytes === 'not_regular' ? null : bytes;
  } catch {
    return null;
  }
}
