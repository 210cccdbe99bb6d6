import ignore, { type Ignore } from 'ignore';
import type { ByteString } from '../../lib/bytes.ts';

/** A pattern and what to call it when it decides. */
export interface MarkedPattern {
  readonly pattern: ByteString;
  readonly mark: string;
}

export interface MatchResult {
  /** The mark of the rule that ignores the path or one of its parents; null when it is not ignored. */
  readonly ignoredBy: string | null;
  /** True when the last rule that matches the path itself is a `!`. */
  readonly isReincluded: boolean;
}

const testsBetweenRenewals = 4096;
const nothing: MatchResult = { ignoredBy: null, isReincluded: false };

/**
 * Rules in order, the last that matches deciding. Paths and patterns are byte strings, because git matches bytes: `?`
 * is one byte, and names need not be text. Folders are tested with a trailing '/'.
 */
export class RuleMatcher {
  readonly #ignoreCase: boolean;
  readonly #hasRules: boolean;
  #ignore: Ignore;
  #tests = 0;

  constructor(ignoreCase: boolean, parts: readonly (RuleMatcher | readonly MarkedPattern[])[]) {
    this.#ignoreCase = ignoreCase;
    this.#ignore = ignore({ ignorecase: ignoreCase });
    let hasRules = false;
    for (const part of parts) {
      this.#ignore.add(part instanceof RuleMatcher ? part.#ignore : part);
      hasRules ||= part instanceof RuleMatcher ? part.#hasRules : part.length > 0;
    }
    this.#hasRules = hasRules;
  }

  test(path: ByteString): MatchResult {
    if (!this.#hasRules) return nothing;
    if (++this.#tests % testsBetweenRenewals === 0) {
      // The package remembers every path it was asked about; a copy shares the compiled rules but not that memory.
      this.#ignore = ignore({ ignorecase: this.#ignoreCase }).add(this.#ignore);
    }
    const { ignored, unignored, rule } = this.#ignore.test(path);
    if (ignored) return { ignoredBy: rule!.mark ?? '', isReincluded: false };
    return unignored ? { ignoredBy: null, isReincluded: true } : nothing;
  }
}
