import type { OutsideAction } from '../model/outside.ts';
import { isSha256, type Sha256 } from '../model/ids.ts';
import { sha256Of } from './digest.ts';
import { checked, instant, list, object, oneOf, text } from './json-shape.ts';
import { prettyJson } from './pretty-json.ts';
import { addSum, hasRightSum } from './sum-json.ts';

/** One approval: what of, when, and in which vault. */
export interface Approval {
  readonly vault: string;
  readonly setting: string;
  readonly sha256: Sha256;
  readonly at: string;
}

export const approvalsBytesMax = 4 * 1024 * 1024;

/**
 * Names an action in one vault. `files` holds, for every word that names a file of the vault, the SHA-256 of its bytes: a
 * script that changes is another action.
 */
export function digestOfAction(
  action: OutsideAction,
  where: { readonly vaultRoot: string; readonly files: ReadonlyMap<number, Sha256> },
): Sha256 {
  const named = { vault: where.vaultRoot, setting: action.setting, words: action.words, files: [...where.files] };
  return sha256Of(Buffer.from(JSON.stringify(named), 'utf8'));
}

export function encodeApprovals(approvals: readonly Approval[]): Uint8Array {
  return Buffer.from(addSum(prettyJson({ format: '1', approvals })), 'utf8');
}

/** Null when damaged, of another format, or too large: then nothing is approved. */
export function decodeApprovals(bytes: Uint8Array): readonly Approval[] | null {
  if (bytes.length > approvalsBytesMax || !hasRightSum(bytes)) return null;
  try {
    return shape(JSON.parse(Buffer.from(bytes).toString('utf8'))).approvals;
  } catch {
    return null;
  }
}

const shape = object<{ format: '1'; approvals: readonly Approval[] }>({
  format: oneOf(['1']),
  approvals: list(
    object<Approval>({ vault: text(65_536), setting: text(64), sha256: checked(isSha256, 'a SHA-256'), at: instant }),
    10_000,
  ),
});
