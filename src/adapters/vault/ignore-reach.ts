import type { ByteString } from '../../lib/bytes.ts';
import { RuleMatcher, type MarkedPattern } from './ignore-matcher.ts';
import { splitPattern } from './ignore-rules.ts';

/**
 * Says below which ignored folders a `!` of `.syncignore` could find something, so that no other needs to be entered.
 * A pattern with a slash (`!data/local.db`) leads only through the folders it names; one without (`!*.db`) leads
 * everywhere.
 */
export class ReincludeReach {
  #isEverywhere = false;
  /** One matcher a depth, so that a folder is only tested against pattern prefixes of its own length. */
  readonly #prefixes: RuleMatcher[];
  readonly #below: RuleMatcher;

  constructor(ignoreCase: boolean, reincludes: readonly ByteString[]) {
    const prefixes: MarkedPattern[][] = [];
    const below: MarkedPattern[] = [];
    for (const written of reincludes) {
      const { isAnchored, body } = splitPattern(written);
      const segments = body.split('/');
      if (!isAnchored) this.#isEverywhere = true;
      for (const [depth, segment] of segments.entries()) {
        const prefix = segments.slice(0, depth).join('/');
        if (segment.includes('**')) {
          if (depth === 0) this.#isEverywhere = true;
          else below.push({ pattern: `/${prefix}/**`, mark: '' });
          break;
        }
        if (depth > 0) (prefixes[depth] ??= []).push({ pattern: `/${prefix}/`, mark: '' });
      }
    }
    this.#prefixes = Array.from(prefixes, (patterns) => new RuleMatcher(ignoreCase, [patterns ?? []]));
    this.#below = new RuleMatcher(ignoreCase, [below]);
  }

  /** `path` is relative to the vault, without a slash at the end. */
  leadsInto(path: ByteString): boolean {
    if (this.#isEverywhere) return true;
    const folder = `${path}/`;
    const prefixes = this.#prefixes[folder.split('/').length - 1];
    return prefixes?.test(folder).ignoredBy === '' || this.#below.test(folder).ignoredBy === '';
  }
}
