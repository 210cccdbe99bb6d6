import type { Output } from './output.ts';
import { wrapToWidth } from './text-width.ts';

const nameColumns = 17;
/** Narrower than this, a value stands beneath its name. */
const besideColumnsMin = 48;

/** Prints "  store          s3://…", the value wrapped beneath itself. An empty name goes on with the fact before. */
export function printFact(out: Output, name: string, value: string): void {
  const isNarrow = out.columns < besideColumnsMin;
  const indent = ' '.repeat(isNarrow ? 4 : nameColumns);
  const label = `  ${out.paint('dim', name)}`;
  if (isNarrow && name !== '') out.print(label);
  for (const [index, line] of wrapToWidth(value, out.columns - indent.length).entries()) {
    const beside = index === 0 && !isNarrow && name !== '';
    out.print(`${beside ? label + ' '.repeat(nameColumns - 2 - name.length) : indent}${line}`);
  }
}
