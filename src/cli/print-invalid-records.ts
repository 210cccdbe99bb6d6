import { displayText } from '../format/display-name.ts';
import type { InvalidRecord } from '../model/restore-point.ts';
import { exitCodeOfKind } from './exit-codes.ts';
import type { Output } from './output.ts';

/** Names the records that are there but cannot be used, on standard error. */
export function printInvalidRecords(out: Output, invalid: readonly InvalidRecord[]): void {
  for (const { id, reason, isNewer } of invalid) {
    const verdict = isNewer ? 'left alone' : 'cannot be trusted';
    out.complain(`  ${verdict}: ${displayText(id, { charsMax: 120 })}: ${displayText(reason)}`);
  }
}

/** 7 when a record was tampered with or damaged; 2 when all that is wrong is that a newer holdfast wrote it (Q18). */
export function exitCodeOfInvalid(invalid: readonly InvalidRecord[]): number {
  return invalid.every(({ isNewer }) => isNewer) ? exitCodeOfKind.config : exitCodeOfKind.integrity;
}
