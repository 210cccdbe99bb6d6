import { readSync } from 'node:fs';
import { type ChainLink, decodeIndexLine } from '../../format/index-line.ts';

const firstStepBytes = 64 * 1024;
const newline = 0x0a;

/**
 * Returns the last row of `machine` in a range of the file, or null. Reads from the end and further back only while it
 * has to, so that appending to a huge index stays cheap. `start` is 0 or the beginning of a line.
 */
export function findLastLink(fd: number, range: { start: number; end: number; machine: string }): ChainLink | null {
  for (let step = firstStepBytes; ; step *= 4) {
    const start = Math.max(range.start, range.end - step);
    const bytes = readRange(fd, start, range.end);
    const link = lastLinkIn(bytes, { machine: range.machine, isFromLineStart: start === range.start });
    if (link !== null || start === range.start) return link;
  }
}

function lastLinkIn(bytes: Buffer, options: { machine: string; isFromLineStart: boolean }): ChainLink | null {
  let lineEnd = bytes.length;
  while (lineEnd > 0) {
    const lineStart = bytes.lastIndexOf(newline, lineEnd - 1) + 1;
    if (lineStart === 0 && !options.isFromLineStart) return null;
    const decoded = decodeIndexLine(withoutReturn(bytes.subarray(lineStart, lineEnd)));
    const link = decoded.kind === 'row' ? decoded.row : decoded.kind === 'unknown' ? decoded.link : null;
    if (link !== null && link.machine === options.machine) return link;
    lineEnd = lineStart - 1;
  }
  return null;
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
}

function readRange(fd: number, start: number, end: number): Buffer {
  const bytes = Buffer.allocUnsafe(end - start);
  let done = 0;
  for (let size; done < bytes.length; done += size) {
    size = readSync(fd, bytes, done, bytes.length - done, start + done);
    if (size === 0) break;
  }
  return bytes.subarray(0, done);
}
