import type { ByteString } from '../../lib/bytes.ts';
import { captureNameProblem } from '../../model/path-policy.ts';
import type { TrackedPaths } from '../../ports/working-tree.ts';
import type { IgnoreBook, RuleOrigin } from './ignore-book.ts';
import type { IgnoreContext } from './ignore-context.ts';

/**
 * - 'in': in scope.
 * - 'exception': ignored by a rule, but in scope because git tracks it, or a folder that holds something in scope.
 * - 'unknown': only the tracked paths can tell, and this thread does not have them.
 * - a RuleOrigin: left out, and why.
 */
export type Verdict = 'in' | 'exception' | 'unknown' | RuleOrigin;

export interface JudgedEntry {
  /** Relative to the vault. */
  readonly path: ByteString;
  readonly name: ByteString;
  readonly isFolder: boolean;
  readonly isLink: boolean;
}

/** Says of one path after the other whether it is in scope. Reads the tracked paths only when a rule ignores something. */
export class ScopeJudge {
  readonly #book: IgnoreBook;
  readonly #load: (() => TrackedPaths) | 'elsewhere' | null;
  #tracked: TrackedPaths | null = null;

  /** `load` is null outside a repository, and 'elsewhere' where another thread has to ask. */
  constructor(book: IgnoreBook, load: (() => TrackedPaths) | 'elsewhere' | null) {
    this.#book = book;
    this.#load = load;
  }

  judge(context: IgnoreContext, entry: JudgedEntry): Verdict {
    const book = this.#book;
    const { path, isFolder } = entry;
    if (captureNameProblem(entry.name, entry.isLink) !== null) {
      return book.origin(entry.name === '.git' ? 'nested_repository' : 'unsupported_name');
    }
    const rule = context.judge(path, isFolder);
    if (rule !== null) return this.#judgeIgnored(rule, context, entry);
    const isSecret = !isFolder && context.state !== 'everything' && book.isSecret(path);
    return isSecret ? this.#unlessTracked(book.origin('secret'), entry) : 'in';
  }

  #judgeIgnored(rule: RuleOrigin, context: IgnoreContext, entry: JudgedEntry): Verdict {
    const { path, isFolder } = entry;
    if (isFolder && this.#book.leadsToLog(path)) return 'exception';
    // `.syncignore` is said to holdfast, so it holds for tracked files too; git's rules never do.
    if (rule.reason === 'syncignore') return rule;
    if (isFolder && context.state !== 'sealed' && this.#book.reach.leadsInto(path)) return 'exception';
    return this.#unlessTracked(rule, entry);
  }

  #unlessTracked(rule: RuleOrigin, { path, isFolder }: JudgedEntry): Verdict {
    if (this.#load === null) return rule;
    if (this.#load === 'elsewhere') return 'unknown';
    this.#tracked ??= this.#load();
    const isTracked = isFolder ? this.#tracked.hasFolder(path) : this.#tracked.hasFile(path);
    return isTracked ? 'exception' : rule;
  }
}
