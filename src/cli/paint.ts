import { styleText } from 'node:util';
import type { Io, OutputStream } from './io.ts';

export type PaintStyle = Parameters<typeof styleText>[0];

/** Puts a colour on a text, or returns it as it is where colours are off. */
export type Paint = (style: PaintStyle, text: string) => string;

export interface PaintChoice {
  /** False with `--no-color`. */
  readonly color: boolean;
}

/** Decides colours for one stream: `--no-color`, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal. */
export function createPaint(io: Io, stream: OutputStream, choice: PaintChoice): Paint {
  if (!choice.color || !wantsColor(io, stream)) return (_style, text) => text;
  return (style, text) => (text === '' ? '' : styleText(style, text, { validateStream: false }));
}

/** True when the stream can be rewritten: a terminal that understands control sequences. */
export function isLiveTerminal(io: Io, stream: OutputStream): boolean {
  return stream.isTTY === true && io.env['TERM'] !== 'dumb';
}

function wantsColor(io: Io, stream: OutputStream): boolean {
  const { NO_COLOR: noColor, FORCE_COLOR: forceColor } = io.env;
  if (noColor !== undefined && noColor !== '') return false;
  if (forceColor !== undefined) return forceColor !== '0' && forceColor !== 'false';
  return isLiveTerminal(io, stream);
}
