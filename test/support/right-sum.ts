import { addSum } from '../../src/format/sum-json.ts';

/** A record or header after an edit, with the sum that its bytes now have: what a forger would write. */
export function withRightSum(text: string): string {
  return addSum(text.replace(/,\n  "sum": "[0-9a-f]{64}"\n\}\n$/, '\n}\n'));
}
