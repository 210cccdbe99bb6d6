import { emptyLine, type Line, line, span } from '../line.ts';
import type { Loadable } from '../state/app-state.ts';

/** Draws what was asked for, or that it is on its way, or why it cannot be had. */
export function drawLoadable<T>(found: Loadable<T>, draw: (value: T) => Line[]): Line[] {
  if (found.state === 'loading') return [emptyLine, line(span('  reading …', 'dim'))];
  if (found.state === 'ready') return draw(found.value);
  return [emptyLine, line(span(`  ${found.message}`, 'bad')), ...(found.hint === '' ? [] : [line(`  ${found.hint}`)])];
}
