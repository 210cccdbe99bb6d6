import type { Output } from './output.ts';
import { displayWidth, wrapToWidth } from '../format/text-width.ts';

const nameColumns = 17;
/** Narrower than this, a value that does not fit beside its name stands beneath it. */
const besideColumnsMin = 48;

/** Prints "  store          s3://…", the value wrapped beneath itself. An empty name goes on with the fact before. */
export function printFact(out: Output, name: string, value: string): void {
  const fitsBeside = out.columns >= besideColumnsMin || nameColumns + displayWidth(value) <= out.columns;
  const indent = ' '.repeat(fitsBeside ? nameColumns : 4);
  const label = `  ${out.paint('dim', name)}`;
  if (!fitsBeside && name !== '') out.print(label);
  for (const [index, line] of wrapToWidth(value, out.columns - indent.length).entries()) {
    const isBeside = index === 0 && fitsBeside && name !== '';
    out.print(`${isBeside ? label + ' '.repeat(nameColumns - 2 - name.length) : indent}${line}`);
  }
}
