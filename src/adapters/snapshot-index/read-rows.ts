import { type ChainLink, decodeIndexLine } from '../../format/index-line.ts';
import type { IndexRow } from '../../model/index-row.ts';
import type { IndexDamage } from '../../ports/snapshot-index.ts';
import { checkChains, type LinkOnLine } from './check-chains.ts';

const newline = 0x0a;
const carriageReturn = 0x0d;
const damageCountMax = 1000;

/**
 * Splits the file into rows and damage. Rows come in file order, each once. Whatever stands between them (torn lines,
 * garbage, blank lines, line ends and marks that editors add) is reported by line number and costs no other row.
 */
export function readRows(bytes: Buffer): { rows: IndexRow[]; damage: IndexDamage[] } {
  const rows: IndexRow[] = [];
  const damage: IndexDamage[] = [];
  const links: LinkOnLine[] = [];
  const lineOfChecksum = new Map<string, number>();
  const quirks = new Quirks();

  const keepLink = (link: ChainLink, line: number): boolean => {
    const earlier = lineOfChecksum.get(link.checksum);
    if (earlier !== undefined) {
      damage.push({ line, reason: `a copy of line ${earlier}` });
      return false;
    }
    lineOfChecksum.set(link.checksum, line);
    links.push({ link, line });
    return true;
  };

  forEachLine(bytes, (rawLine, line) => {
    const content = quirks.strip(rawLine, line);
    if (content.length === 0) return;
    const decoded = decodeIndexLine(content);
    if (decoded.kind === 'row') {
      if (keepLink(decoded.row, line)) rows.push(decoded.row);
      return;
    }
    damage.push({ line, reason: decoded.reason });
    if (decoded.kind === 'unknown' && decoded.link !== null) keepLink(decoded.link, line);
  });
  damage.push(...quirks.report(), ...checkChains(links, lineOfChecksum));
  return { rows, damage: bounded(damage.toSorted((a, b) => a.line - b.line)) };
}

function forEachLine(bytes: Buffer, visit: (line: Buffer, number: number) => void): void {
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    const next = bytes.indexOf(newline, start);
    const end = next === -1 ? bytes.length : next;
    visit(bytes.subarray(start, end), number);
    start = end + 1;
  }
}

/** Harmless traces of other tools, counted so that a converted file gives one report and not one a line. */
class Quirks {
  #counts = new Map<string, { first: number; count: number }>();

  /** The line without them; empty for a blank line. */
  strip(line: Buffer, number: number): Buffer {
    let content = line;
    if (content.at(-1) === carriageReturn) {
      this.#note('lines end in CRLF', number);
      content = content.subarray(0, -1);
    }
    if (content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf) {
      this.#note('byte order marks', number);
      content = content.subarray(3);
    }
    if (content.length === 0) this.#note('blank lines', number);
    return content;
  }

  report(): IndexDamage[] {
    return [...this.#counts].map(([what, { first, count }]) => ({ line: first, reason: `${what} (${count})` }));
  }

  #note(what: string, line: number): void {
    const seen = this.#counts.get(what);
    if (seen === undefined) this.#counts.set(what, { first: line, count: 1 });
    else seen.count++;
  }
}

function bounded(damage: IndexDamage[]): IndexDamage[] {
  if (damage.length <= damageCountMax) return damage;
  const shown = damage.slice(0, damageCountMax);
  shown.push({ line: damage[damageCountMax]!.line, reason: `and ${damage.length - damageCountMax} more from here on` });
  return shown;
}
