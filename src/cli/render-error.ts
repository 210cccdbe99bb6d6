import { displayText } from '../format/display-name.ts';
import type { HoldfastError } from '../model/errors.ts';
import type { Output } from './output.ts';
import { wrapToWidth } from '../format/text-width.ts';

const textCharsMax = 4_000;
/** Lines fit for reading even on a very wide terminal. */
const proseColumnsMax = 100;

/** Prints what failed and what to do about it. */
export function renderError(error: HoldfastError, out: Output): void {
  // An unknown restore point ends a rollback with another code than a refusal, and is one all the same.
  const isRefusal = error.kind === 'refused' || error.code === 'rollback_unknown';
  const prefix = isRefusal ? 'refused:' : error.kind === 'canceled' ? 'stopped:' : 'error:';
  const colour = error.kind === 'canceled' ? 'yellow' : 'red';
  // Into a pipe a sentence stays whole: a command in it is there to be taken out and run.
  const width = Number.isFinite(out.noteColumns) ? Math.min(out.noteColumns, proseColumnsMax) : out.noteColumns;
  const lines = wrapToWidth(`${prefix} ${displayText(error.message, { charsMax: textCharsMax })}`, width, '  ');
  for (const [index, line] of lines.entries()) {
    out.complain(index === 0 ? out.paintNote([colour, 'bold'], prefix) + line.slice(prefix.length) : line);
  }
  for (const part of error.hint?.split('\n') ?? []) {
    for (const line of wrapToWidth(`  ${displayText(part, { charsMax: textCharsMax })}`, width, '  '))
      out.complain(line);
  }
}

/** The same as fields of the last JSON line. */
export function errorFields(error: HoldfastError): Readonly<Record<string, unknown>> {
  return {
    error: error.code,
    message: error.message,
    hint: error.hint ?? null,
    ...(Object.keys(error.data).length === 0 ? {} : { data: error.data }),
  };
}
