/**
 * Returns the candidate most like `word`, or null when none is near: at most one typing slip for three characters, where a
 * slip is a character added, left out, replaced or swapped with its neighbour.
 */
export function nearestOf(word: string, candidates: Iterable<string>): string | null {
  const wanted = word.toLowerCase().slice(0, 100);
  let nearest: string | null = null;
  let slipsMin = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const slips = slipsBetween(wanted, candidate.toLowerCase());
    if (slips >= slipsMin) continue;
    nearest = candidate;
    slipsMin = slips;
  }
  return nearest;
}

function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const now = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      let slips = Math.min(last[column]! + 1, now[column - 1]! + 1, last[column - 1]! + (isSame ? 0 : 1));
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) slips = Math.min(slips, beforeLast[column - 2]! + 1);
      now.push(slips);
    }
    beforeLast = last;
    last = now;
  }
  return last[b.length]!;
}
