import type { ByteString } from '../lib/bytes.ts';

/** One `name = value` line of a git configuration file. */
export interface GitConfigEntry {
  /** `section.name` or `section.subsection.name`; section and name in lower case, the subsection as written. */
  readonly key: ByteString;
  /** Unquoted; null for a bare name, which git reads as true. */
  readonly value: ByteString | null;
}

export interface ParsedGitConfig {
  readonly entries: readonly GitConfigEntry[];
  /** First line git itself would refuse, counted from 1; nothing after it was read. Null for a well-formed file. */
  readonly brokenLine: number | null;
}

/**
 * Parses a git configuration file: sections, subsections, quoting, escapes, continued lines and comments. Includes are
 * ordinary entries here; following them needs a disk. Entries keep the order of the file. Never throws.
 */
export function parseGitConfig(text: ByteString): ParsedGitConfig {
  const reader = new Reader(text.startsWith(utf8Mark) ? text.slice(utf8Mark.length) : text);
  const entries: GitConfigEntry[] = [];
  let section: ByteString = '';
  for (;;) {
    const char = reader.next();
    if (reader.isAtEnd) return { entries, brokenLine: null };
    if (char === '\n' || isBlank(char)) continue;
    const line = reader.line;
    if (char === '#' || char === ';') {
      reader.skipLine();
    } else if (char === '[') {
      const name = readSection(reader);
      if (name === null) return { entries, brokenLine: line };
      section = name;
    } else {
      const entry = readEntry(reader, section, char);
      if (entry === null) return { entries, brokenLine: line };
      entries.push(entry);
    }
  }
}

/** Returns git's reading of a boolean value, or null when git would call it bad. */
export function gitBoolean(value: ByteString | null): boolean | null {
  if (value === null) return true;
  const word = value.toLowerCase();
  if (word === 'true' || word === 'yes' || word === 'on') return true;
  if (word === 'false' || word === 'no' || word === 'off' || word === '') return false;
  const number = /^[+-]?\d{1,15}[kmg]?$/.test(word) ? Number.parseInt(word, 10) : Number.NaN;
  return Number.isNaN(number) ? null : number !== 0;
}

const utf8Mark = '\u00ef\u00bb\u00bf';
const escapes: Readonly<Record<string, string>> = { t: '\t', b: '\b', n: '\n', '\\': '\\', '"': '"' };

class Reader {
  line = 1;
  isAtEnd = false;
  readonly #text: ByteString;
  #at = 0;

  constructor(text: ByteString) {
    this.#text = text;
  }

  /** Next character, CR LF as LF. To git a file ends in a line break whether it is written or not. */
  next(): string {
    if (this.#at >= this.#text.length) {
      this.isAtEnd = true;
      return '\n';
    }
    let char = this.#text.charAt(this.#at++);
    if (char === '\r' && this.#text.charAt(this.#at) === '\n') {
      this.#at++;
      char = '\n';
    }
    if (char === '\n') this.line++;
    return char;
  }

  skipLine(): void {
    while (this.next() !== '\n');
  }
}

function readSection(reader: Reader): ByteString | null {
  let name = '';
  for (;;) {
    const char = reader.next();
    if (char === ']') return name === '' ? null : name;
    if (isBlank(char)) return name === '' ? null : readSubsection(reader, name);
    if (!/^[A-Za-z0-9.-]$/.test(char)) return null;
    name += char.toLowerCase();
  }
}

function readSubsection(reader: Reader, section: ByteString): ByteString | null {
  let char = reader.next();
  while (isBlank(char)) char = reader.next();
  if (char !== '"') return null;
  let name = '';
  for (;;) {
    char = reader.next();
    if (char === '"') break;
    if (char === '\\') char = reader.next();
    if (char === '\n') return null;
    name += char;
  }
  return reader.next() === ']' ? `${section}.${name}` : null;
}

function readEntry(reader: Reader, section: ByteString, first: string): GitConfigEntry | null {
  if (!/^[A-Za-z]$/.test(first)) return null;
  let name = first;
  let char = reader.next();
  for (; /^[A-Za-z0-9-]$/.test(char); char = reader.next()) name += char;
  while (char === ' ' || char === '\t') char = reader.next();
  const key = `${section}${section === '' ? '' : '.'}${name.toLowerCase()}`;
  if (char === '\n') return { key, value: null };
  if (char !== '=') return null;
  const value = readValue(reader);
  return value === null ? null : { key, value };
}

function readValue(reader: Reader): ByteString | null {
  let value = '';
  let quoted = false;
  // Blanks outside quotes count only once something follows them.
  let blanks = '';
  for (;;) {
    let char = reader.next();
    if (char === '\n') return quoted ? null : value;
    if (!quoted && isBlank(char)) {
      if (value !== '') blanks += char;
      continue;
    }
    if (!quoted && (char === '#' || char === ';')) {
      reader.skipLine();
      return value;
    }
    value += blanks;
    blanks = '';
    if (char === '"') {
      quoted = !quoted;
      continue;
    }
    if (char === '\\') {
      char = reader.next();
      if (char === '\n') continue;
      const escaped = escapes[char];
      if (escaped === undefined) return null;
      char = escaped;
    }
    value += char;
  }
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\r';
}
