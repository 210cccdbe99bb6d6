import { displayName, displayText, jsonPath } from '../format/display-name.ts';
import { formatCount } from '../format/size.ts';
import type { Problem } from '../model/problem.ts';
import type { Output } from './output.ts';
import { wrapToWidth } from '../format/text-width.ts';

const shownMax = 20;

/** Names what was left out, one path a line; with many, the first ones and how many more there are. */
export function printProblems(out: Output, problems: readonly Problem[], heading: string): void {
  if (problems.length === 0) return;
  out.complain(`  ${out.paintNote('yellow', heading)}`);
  for (const { path, message } of problems.slice(0, shownMax)) {
    const line = path === '' ? displayText(message) : `${displayName(path)}: ${displayText(message)}`;
    for (const part of wrapToWidth(`    ${line}`, out.noteColumns, '      ')) out.complain(part);
  }
  const rest = problems.length - shownMax;
  if (rest > 0) out.complain(`    and ${formatCount(rest)} more; --json names every one`);
}

/** The same for JSON. */
export function problemFields(problems: readonly Problem[]): readonly object[] {
  return problems.map(({ path, code, message }) => ({ ...jsonPath(path), code, message }));
}
