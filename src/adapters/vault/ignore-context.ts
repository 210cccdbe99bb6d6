import type { ByteString } from '../../lib/bytes.ts';
import { hash48, type IgnoreBook, type RuleOrigin } from './ignore-book.ts';
import type { RuleMatcher } from './ignore-matcher.ts';
import { escapePattern, type IgnoreRule, parseIgnoreRules } from './ignore-rules.ts';

/**
 * What the rules mean for a folder's contents.
 * - inside: everything a rule does not ignore is in scope.
 * - outside: the folder is ignored but entered, for tracked files or a `!` of `.syncignore`; only those are in scope.
 * - sealed: ignored by `.syncignore` and entered only on the way to the snapshot index.
 * - everything: the snapshot index; no rule applies.
 */
type ContextState = 'inside' | 'outside' | 'sealed' | 'everything';

/** How a context comes out of its parent's. A list of steps from the vault down is a context as plain data. */
export type ContextStep =
  | { readonly kind: 'enter'; readonly path: ByteString; readonly gitignore: ByteString | null }
  | { readonly kind: 'enter_ignored'; readonly path: ByteString };

/**
 * The rules in force in one folder. Folders without rules of their own share their parent's context, and a matcher is
 * only compiled when a name must really be tested.
 */
export class IgnoreContext {
  /** Equal hashes in the same folder mean equal verdicts. */
  readonly hash: number;
  readonly state: ContextState;
  /** Leads from the vault's context to this one; for another thread. */
  readonly steps: readonly ContextStep[];
  readonly #book: IgnoreBook;
  readonly #parent: IgnoreContext | null;
  readonly #own: readonly IgnoreRule[];
  readonly #reopened: readonly IgnoreRule[];
  readonly #ignoredFolder: ByteString;
  #ignoredBy: RuleOrigin | null = null;
  #gitMatcher: RuleMatcher | null = null;
  #matcher: RuleMatcher | null = null;

  private constructor(book: IgnoreBook, parts: ContextParts) {
    this.#book = book;
    this.state = parts.state;
    this.hash = parts.hash;
    this.steps = parts.steps;
    this.#parent = parts.parent ?? null;
    this.#own = parts.own ?? [];
    this.#reopened = parts.reopened ?? [];
    this.#ignoredFolder = parts.ignoredFolder ?? '';
  }

  /** The context above the vault's own `.gitignore`. */
  static ofBook(book: IgnoreBook): IgnoreContext {
    return new IgnoreContext(book, { state: 'inside', hash: book.hash, steps: [] });
  }

  /** The context that the steps lead to. */
  static ofSteps(book: IgnoreBook, steps: readonly ContextStep[]): IgnoreContext {
    let context = IgnoreContext.ofBook(book);
    for (const step of steps) {
      context = step.kind === 'enter' ? context.enter(step.path, step.gitignore) : context.enterIgnored(step.path);
    }
    return context;
  }

  /** Returns the rule that ignores a path directly inside the context's folders, or null when it is in scope. */
  judge(path: ByteString, isFolder: boolean): RuleOrigin | null {
    if (this.state === 'everything') return null;
    if (this.state === 'sealed') return this.ignoredBy();
    const tested = `${this.#book.data.prefix}${path}${isFolder ? '/' : ''}`;
    if (this.state === 'inside') {
      const { ignoredBy } = this.matcher().test(tested);
      return ignoredBy === null ? null : this.#book.originOfMark(ignoredBy);
    }
    if (!this.#book.hasReincludes) return this.ignoredBy();
    const { ignoredBy, isReincluded } = this.#book.sync.test(tested);
    if (isReincluded) return null;
    return ignoredBy === null ? this.ignoredBy() : this.#book.originOfMark(ignoredBy);
  }

  /** The context of a folder in scope that has (or, with null, lacks) a `.gitignore` of this text. */
  enter(path: ByteString, gitignore: ByteString | null): IgnoreContext {
    const step: ContextStep = { kind: 'enter', path, gitignore };
    if (path === this.#book.data.logFolder) return this.#everything(step);
    if (this.state === 'outside') {
      const reopened = this.#reopen(step);
      return gitignore === null ? reopened : reopened.enter(path, gitignore);
    }
    return gitignore === null || this.state !== 'inside' ? this : this.#withRules({ ...step, gitignore });
  }

  /** The context of an ignored folder that is entered nevertheless. */
  enterIgnored(path: ByteString): IgnoreContext {
    const step: ContextStep = { kind: 'enter_ignored', path };
    if (path === this.#book.data.logFolder) return this.#everything(step);
    if (this.state !== 'inside') return this;
    const isSealed = this.#book.leadsToLog(path) && this.judge(path, true)?.reason === 'syncignore';
    return this.#child(step, { state: isSealed ? 'sealed' : 'outside', ignoredFolder: path });
  }

  /** The rule that ignores the folder this context stands for. */
  ignoredBy(): RuleOrigin {
    this.#ignoredBy ??= this.#parent!.judge(this.#ignoredFolder, true) ?? this.#book.origin('gitignore');
    return this.#ignoredBy;
  }

  /** Git's rules, then `.syncignore` as the last word. */
  matcher(): RuleMatcher {
    this.#matcher ??= this.#book.compile([this.gitMatcher(), this.#book.sync, this.#reopened]);
    return this.#matcher;
  }

  gitMatcher(): RuleMatcher {
    if (this.#gitMatcher === null) {
      const above = this.#parent?.gitMatcher() ?? this.#book.outer;
      this.#gitMatcher = this.#own.length === 0 ? above : this.#book.compile([above, this.#own]);
    }
    return this.#gitMatcher;
  }

  #withRules(step: { readonly path: ByteString; readonly gitignore: ByteString }): IgnoreContext {
    const folder = step.path === '' ? '' : `${step.path}/`;
    const own = parseIgnoreRules(step.gitignore, {
      folder: this.#book.data.prefix + folder,
      reason: 'gitignore',
      name: `${folder}.gitignore`,
    });
    this.#book.noteDoubts(own);
    return this.#child({ kind: 'enter', ...step }, { state: 'inside', own, reopened: this.#reopened });
  }

  /**
   * A folder brought back from below an ignored one. The matcher never looks below an ignored folder, so rules that
   * un-ignore exactly the folders on the way are put behind all others.
   */
  #reopen({ path }: { readonly path: ByteString }): IgnoreContext {
    const reopened: IgnoreRule[] = [];
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const folder = this.#book.data.prefix + (end < 0 ? path : path.slice(0, end));
      reopened.push({ pattern: `!/${escapePattern(folder)}/`, written: '', reason: 'syncignore', source: '' });
      if (end < 0) break;
    }
    return this.#child({ kind: 'enter', path, gitignore: null }, { state: 'inside', reopened });
  }

  #everything(step: ContextStep): IgnoreContext {
    return this.#child(step, { state: 'everything' });
  }

  #child(step: ContextStep, parts: Pick<ContextParts, 'state' | 'own' | 'reopened' | 'ignoredFolder'>): IgnoreContext {
    const rules = step.kind === 'enter' ? (step.gitignore ?? '') : '';
    const hash = hash48(`${this.hash}\n${parts.state}\n${rules}`);
    return new IgnoreContext(this.#book, { ...parts, hash, parent: this, steps: [...this.steps, step] });
  }
}

interface ContextParts {
  readonly state: ContextState;
  readonly hash: number;
  readonly steps: readonly ContextStep[];
  readonly parent?: IgnoreContext;
  /** Rules of the folder's own `.gitignore`. */
  readonly own?: readonly IgnoreRule[];
  /** What makes ignored folders on the way count as not ignored. */
  readonly reopened?: readonly IgnoreRule[];
  readonly ignoredFolder?: ByteString;
}
