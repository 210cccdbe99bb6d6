/**
 * Splits a command into its words, as a shell would, by blanks and quotes alone: nothing is expanded, nothing runs.
 * Null when a quote is not closed or there is no word.
 */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  const pattern = /\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)\s*/suy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) return null;
    words.push(unquoted(match[1]!));
  }
  return words.length === 0 ? null : words;
}

function unquoted(word: string): string {
  return word.replaceAll(
    /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/gsu,
    (_all, escaped?: string, double?: string, single?: string) =>
      escaped ?? double?.replaceAll(/\\(["\\$`])/gu, '$1') ?? single ?? '',
  );
}
