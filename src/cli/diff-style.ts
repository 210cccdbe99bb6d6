import { displayName, displayText } from '../format/display-name.ts';
import { type ByteString, bytesOf, textOfByteString } from '../lib/bytes.ts';
import { gitQuote } from './git-quote.ts';
import type { Output } from './output.ts';
import type { PaintStyle } from './paint.ts';

/**
 * How a comparison is written. For a pipe: the bytes themselves, names as git quotes them, so that `git apply` takes it. For a
 * person: nothing that acts on the terminal, colours where there are any.
 */
export interface DiffStyle {
  readonly forPeople: boolean;
  name(path: ByteString): string;
  /** One line, its content as raw bytes; the line feed is added. */
  line(text: ByteString, style?: PaintStyle): Promise<void>;
  /** One line of our own making: names gone through `name`, colours already on. */
  shown(text: string): Promise<void>;
}

const flushBytes = 64 * 1024;

export interface DiffWriter extends DiffStyle {
  /** Hands on what is still held back. */
  flush(): Promise<void>;
}

export function createDiffStyle(out: Output, options: { forPeople: boolean }): DiffWriter {
  const { forPeople } = options;
  let held: Buffer[] = [];
  let heldBytes = 0;
  const flush = async (): Promise<void> => {
    const chunk = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    if (chunk.length > 0) await out.bytes(chunk);
  };
  const hold = async (line: Buffer): Promise<void> => {
    held.push(line, newline);
    heldBytes += line.length + 1;
    if (heldBytes > flushBytes) await flush();
  };
  return {
    forPeople,
    name: (path) => (forPeople ? displayName(path) : gitQuote(path)),
    line: (text, style) => hold(forPeople ? Buffer.from(painted(out, inert(text), style)) : bytesOf(text)),
    shown: (text) => hold(Buffer.from(text)),
    flush,
  };
}

const newline = Buffer.from('\n');
const noLimit = { charsMax: Number.POSITIVE_INFINITY };

function painted(out: Output, text: string, style: PaintStyle | undefined): string {
  return style === undefined ? text : out.paint(style, text);
}

/** File content on a terminal: tabs stay, everything else that could act on it is shown instead. */
function inert(text: ByteString): string {
  const decoded = textOfByteString(text) ?? bytesOf(text).toString('utf8');
  return decoded
    .split('\t')
    .map((part) => displayText(part, noLimit))
    .join('\t');
}
