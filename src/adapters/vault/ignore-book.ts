import { createHash } from 'node:crypto';
import type { ByteString } from '../../lib/bytes.ts';
import type { LedgerReason } from '../../model/problem.ts';
import { type MarkedPattern, RuleMatcher } from './ignore-matcher.ts';
import { ReincludeReach } from './ignore-reach.ts';
import { type IgnoreRule, isDoubtful, splitPattern } from './ignore-rules.ts';
import { isSecretName, secretNames } from './secrets.ts';

/** Why a path is left out: what its row in the ledger says. One object for each rule, so identity compares. */
export interface RuleOrigin {
  readonly reason: LedgerReason;
  readonly source: string;
  /** The pattern as written; '' where no pattern decided. */
  readonly pattern: ByteString;
}

/** Everything the verdicts of one scan rest on, as plain data that another thread can be given. */
export interface IgnoreBookData {
  readonly ignoreCase: boolean;
  /** Path of the vault inside its repository, '' or ending in '/'. */
  readonly prefix: ByteString;
  /** Git's rules from above the vault, lowest precedence first. */
  readonly outerRules: readonly IgnoreRule[];
  readonly syncRules: readonly IgnoreRule[];
  /** False: `.gitignore` files are not read. */
  readonly readsGitignore: boolean;
  readonly allowSecrets: boolean | readonly ByteString[];
  /** Folder of the snapshot index, always in scope ('state/log'); null when it is not in the vault. */
  readonly logFolder: ByteString | null;
}

/** The rules of one scan, compiled. */
export class IgnoreBook {
  readonly data: IgnoreBookData;
  readonly outer: RuleMatcher;
  readonly sync: RuleMatcher;
  readonly reach: ReincludeReach;
  readonly hasReincludes: boolean;
  /** Changes when any setting or rule from outside the folders' own `.gitignore` files does. */
  readonly hash: number;
  /** Where rules stand that git and the matcher might read differently. */
  readonly doubtful = new Set<string>();
  readonly #origins = new Map<string, RuleOrigin>();
  readonly #allowed: RuleMatcher;
  readonly #asked: RuleMatcher;

  constructor(data: IgnoreBookData) {
    this.data = data;
    const reincludes = data.syncRules.filter(({ written }) => written.startsWith('!')).map(({ written }) => written);
    this.outer = this.compile([data.outerRules]);
    this.sync = this.compile([data.syncRules]);
    this.reach = new ReincludeReach(data.ignoreCase, reincludes);
    this.hasReincludes = reincludes.length > 0;
    this.noteDoubts(data.outerRules);
    this.noteDoubts(data.syncRules);
    this.hash = hash48(JSON.stringify([rulesVersion, data, secretNames]));
    const allowed = Array.isArray(data.allowSecrets) ? (data.allowSecrets as readonly ByteString[]) : [];
    this.#allowed = new RuleMatcher(data.ignoreCase, [allowed.map(unmarked)]);
    this.#asked = new RuleMatcher(data.ignoreCase, [reincludes.filter(namesFiles).map((p) => unmarked(p.slice(1)))]);
  }

  /** Compiles rules behind those of other matchers, and remembers where each stands. */
  compile(parts: readonly (RuleMatcher | readonly IgnoreRule[])[]): RuleMatcher {
    return new RuleMatcher(
      this.data.ignoreCase,
      parts.map((part) => (part instanceof RuleMatcher ? part : part.map((rule) => this.#mark(rule)))),
    );
  }

  /** The one object for a reason, source and pattern. */
  origin(reason: LedgerReason, source = '', pattern: ByteString = ''): RuleOrigin {
    const key = originKey(reason, source, pattern);
    let origin = this.#origins.get(key);
    if (origin === undefined) this.#origins.set(key, (origin = { reason, source, pattern }));
    return origin;
  }

  /** The origin of a rule, by the mark the matcher returned. */
  originOfMark(mark: string): RuleOrigin {
    return this.#origins.get(mark)!;
  }

  /** True for a file that must not go into a store in the clear unless git tracks it. */
  isSecret(path: ByteString): boolean {
    if (this.data.allowSecrets === true || !isSecretName(path)) return false;
    if (this.#allowed.test(path).ignoredBy !== null) return false;
    // Only a pattern that fits the file itself asks for it: `!keys/` brings back the folder, not the keys in it.
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const isAsked = this.#asked.test(path).ignoredBy !== null;
    return !isAsked || (folder !== '' && this.#asked.test(folder).ignoredBy !== null);
  }

  /** True for a folder on the way to the snapshot index, which is entered whatever the rules say. */
  leadsToLog(path: ByteString): boolean {
    const { logFolder } = this.data;
    return logFolder !== null && (logFolder === path || logFolder.startsWith(`${path}/`));
  }

  /** Remembers which of these rules git might read differently; asked of every rule, compiled or not. */
  noteDoubts(rules: readonly IgnoreRule[]): void {
    for (const rule of rules) if (isDoubtful(rule)) this.doubtful.add(rule.source);
  }

  #mark(rule: IgnoreRule): MarkedPattern {
    this.origin(rule.reason, rule.source, rule.written);
    return { pattern: rule.pattern, mark: originKey(rule.reason, rule.source, rule.written) };
  }
}

/** 48 bits of SHA-1: equal hashes mean equal rules, and a number fits a column. */
export function hash48(text: string): number {
  return createHash('sha1').update(text, 'latin1').digest().readUIntBE(0, 6);
}

// Raised whenever the same rules come to mean something else, so that remembered verdicts are dropped.
const rulesVersion = 1;

function originKey(reason: LedgerReason, source: string, pattern: ByteString): string {
  return `${reason}\0${source}\0${pattern}`;
}

function unmarked(pattern: ByteString): MarkedPattern {
  return { pattern, mark: '' };
}

/** True when the last segment of a re-include says something about the name: `!data/*` does not ask for secrets. */
function namesFiles(written: ByteString): boolean {
  const { isFolderOnly, body } = splitPattern(written);
  return !isFolderOnly && /[^*?]/.test(body.slice(body.lastIndexOf('/') + 1));
}
