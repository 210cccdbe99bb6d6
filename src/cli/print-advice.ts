import { wrapToWidth } from '../format/text-width.ts';
import type { Output } from './output.ts';

/** Prints a sentence that ends in a command: side by side where both fit, else the command on a line of its own, to be pasted whole. */
export function printAdvice(out: Output, sentence: string, command: string): void {
  const together = `  ${sentence}  ${command}`;
  if (together.length <= out.columns) {
    out.print(together);
    return;
  }
  for (const line of wrapToWidth(`  ${sentence}`, out.columns, '  ')) out.print(line);
  out.print(`    ${command}`);
}
