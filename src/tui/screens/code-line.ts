import type { DiffRow } from '../state/diff-rows.ts';
import { type Span, span } from '../line.ts';
import type { Style } from '../palette.ts';

type Language = 'markdown' | 'json' | 'code' | 'plain';

const codeNames =
  /\.(?:[cm]?[jt]sx?|py|rs|go|java|kt|c|h|cpp|hpp|cs|rb|sh|bash|zsh|lua|php|swift|css|scss|sql|toml|ya?ml|ini|conf)$/i;
const codeTokens = /(\/\/.*|(?:^|\s)#.*|\/\*.*?\*\/|--\s.*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)/g;
const jsonTokens = /(\/\/.*)|("(?:[^"\\]|\\.)*")(?=\s*:)?|\b(true|false|null)\b/g;
const markdownTokens =
  /(`[^`]+`)|(\*\*[^*]+\*\*|__[^_]+__)|(\[\[[^\]]+\]\]|\[[^\]]*\]\([^)]*\))|(^\s*(?:[-*+]|\d+\.)\s)/g;

export function languageOf(path: string): Language {
  if (/\.(?:md|markdown|mdx)$/i.test(path)) return 'markdown';
  if (/\.(?:jsonc?|json5|canvas)$/i.test(path)) return 'json';
  return codeNames.test(path) ? 'code' : 'plain';
}

/** Colours one line by what it is; each line by itself, which is right nearly always and never slow. */
export function codeSpans(text: string, language: Language): Span[] {
  if (language === 'plain' || text.length > 1000) return [span(text)];
  if (language === 'markdown') {
    if (/^#{1,6}\s/.test(text)) return [span(text, 'heading')];
    if (/^\s*>/.test(text)) return [span(text, 'comment')];
    return tokenize(text, markdownTokens, ['string', 'bold', 'accent', 'accent']);
  }
  return language === 'json'
    ? tokenize(text, jsonTokens, ['comment', 'string', 'keyword'])
    : tokenize(text, codeTokens, ['comment', 'string']);
}

function tokenize(text: string, pattern: RegExp, styles: readonly Style[]): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    const group = match.slice(1).findIndex((part) => part !== undefined);
    if (match.index > at) spans.push(span(text.slice(at, match.index)));
    spans.push(span(match[0], styles[group] ?? 'plain'));
    at = match.index + match[0].length;
  }
  if (at < text.length) spans.push(span(text.slice(at)));
  return spans;
}

/** A line of a comparison: gone and new lines in their colours, with the words that differ marked. */
export function rowSpans(row: DiffRow, language: Language): Span[] {
  if (row.kind === 'hunk') return [span(row.text, 'accent')];
  if (row.kind === 'note') return [span(row.text, 'dim')];
  if (row.kind === 'same') return codeSpans(row.text, language);
  const [plain, marked]: readonly [Style, Style] =
    row.kind === 'added' ? ['added', 'addedWord'] : ['removed', 'removedWord'];
  const spans: Span[] = [];
  let at = 0;
  for (const [start, end] of row.words) {
    if (start > at) spans.push(span(row.text.slice(at, start), plain));
    spans.push(span(row.text.slice(start, end), marked));
    at = end;
  }
  spans.push(span(row.text.slice(at), plain));
  return spans;
}
