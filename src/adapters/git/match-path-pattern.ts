/**
 * Matches a path against a pattern as git's `includeIf` does: `*` and `?` stay within a path segment, a segment `**` spans
 * any number of them. Bracket expressions are not known: null says so. Time is bounded by the product of the lengths.
 */
export function matchPathPattern(pattern: string, path: string): boolean | null {
  if (/[[\\]/.test(pattern) || pattern.length > lengthMax || path.length > lengthMax) return null;
  const wanted = pattern.split('/');
  const given = path.split('/');
  // reached[j]: the pattern so far can match the first j segments.
  let reached: boolean[] = Array.from({ length: given.length + 1 }, (_, j) => j === 0);
  for (const [i, segment] of wanted.entries()) {
    const next: boolean[] = Array.from({ length: given.length + 1 }, () => false);
    if (segment === '**') {
      const first = reached.indexOf(true);
      // A closing "/**" wants something below it; elsewhere "**" may stand for nothing.
      const from = first + (i > 0 && i === wanted.length - 1 ? 1 : 0);
      if (first >= 0) next.fill(true, from);
    } else {
      for (const [j, name] of given.entries()) {
        if (reached[j] === true && matchSegment(segment, name)) next[j + 1] = true;
      }
    }
    reached = next;
  }
  return reached[given.length] === true;
}

const lengthMax = 4096;

function matchSegment(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
