import { displayName, displayText } from '../format/display-name.ts';
import { formatCount, formatSize } from '../format/size.ts';
import type { LedgerEntry, LedgerReason } from '../model/problem.ts';

const shownMax = 4;
const nameCharsMax = 48;

const reasonWords: Readonly<Record<LedgerReason, string>> = {
  gitignore: 'ignored by git',
  syncignore: '.syncignore',
  secret: 'secret',
  nested_repository: 'inside a nested repository',
  special_file: 'special file',
  too_large: 'too large',
  other_filesystem: 'other file system',
  unreadable: 'unreadable',
  unsupported_name: 'a name git cannot hold',
};

/**
 * The phrases after "not protected:": secrets first, then the largest. Empty when there is nothing to tell.
 */
export function ledgerPhrases(ledger: readonly LedgerEntry[], options: { readonly all?: boolean } = {}): string[] {
  const told = ledger.toSorted(byImportance);
  const shown = options.all === true ? told : told.slice(0, shownMax);
  const phrases = shown.map(phraseOf);
  const rest = told.slice(shown.length);
  if (rest.length > 0) {
    const sizeBytes = rest.reduce((sum, entry) => sum + entry.sizeBytes, 0);
    phrases.push(`and ${formatCount(rest.length)} more${sizeBytes > 0 ? ` (${formatSize(sizeBytes)})` : ''}`);
  }
  return phrases;
}

function phraseOf(entry: LedgerEntry): string {
  // ".gitignore:3": the line is for `--json`.
  const source = entry.source.replace(/:\d+$/, '');
  const because = entry.reason === 'gitignore' && source !== '' ? displayText(source) : reasonWords[entry.reason];
  const atLeast = entry.atLeast ? 'over ' : '';
  const size = entry.sizeBytes > 0 && entry.reason !== 'secret' ? `${atLeast}${formatSize(entry.sizeBytes)}, ` : '';
  return `${displayName(entry.path, { charsMax: nameCharsMax })} (${size}${because})`;
}

function byImportance(a: LedgerEntry, b: LedgerEntry): number {
  const bySecret = Number(b.reason === 'secret') - Number(a.reason === 'secret');
  return bySecret !== 0 ? bySecret : b.sizeBytes - a.sizeBytes;
}
