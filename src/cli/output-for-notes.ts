import type { Output } from './output.ts';

/** The same output with everything that would go to stdout on stderr, as notes: stdout belongs to somebody else. */
export function outputForNotes(out: Output): Output {
  return {
    ...out,
    columns: out.noteColumns,
    paint: out.paintNote,
    print: (line = '') => out.note(line),
    async bytes(chunk) {
      const lines = Buffer.from(chunk).toString('utf8').replace(/\n$/, '');
      for (const line of lines.split('\n')) out.note(`  ${line}`);
    },
  };
}
