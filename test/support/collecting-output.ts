import type { Output } from '../../src/cli/output.ts';

/** An Output that keeps what it is given. */
export interface CollectingOutput extends Output {
  readonly lines: string[];
  readonly complaints: string[];
  readonly rows: Record<string, unknown>[];
  /** All bytes, as a byte string. */
  text(): string;
}

export function collectingOutput(options: { json?: boolean; paint?: boolean } = {}): CollectingOutput {
  const chunks: Buffer[] = [];
  const paint: Output['paint'] = (style, text) => (options.paint === true ? `<${String(style)}>${text}</>` : text);
  const output = {
    json: options.json ?? false,
    quiet: false,
    columns: 80,
    noteColumns: 80,
    paint,
    paintNote: paint,
    isLive: false,
    lines: [] as string[],
    complaints: [] as string[],
    rows: [] as Record<string, unknown>[],
    text: () => Buffer.concat(chunks).toString('latin1'),
    print: (line = '') => void output.lines.push(line),
    note: (line: string) => void output.lines.push(line),
    complain: (line: string) => void output.complaints.push(line),
    notice: (notice: { message: string }) => void output.lines.push(notice.message),
    row: (type: string, fields: object) => void output.rows.push({ type, ...fields }),
    result: (fields: object) => void output.rows.push({ type: 'result', ...fields }),
    async bytes(chunk: Uint8Array) {
      chunks.push(Buffer.from(chunk));
    },
    ready: () => Promise.resolve(),
    status: () => {},
  };
  return output;
}
