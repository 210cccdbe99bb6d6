const digitBits = 11;
const digitCount = 1 << digitBits;

/**
 * Returns the positions 0 to n-1 in ascending order of their values: whole numbers from 0 to 2^53. Equal values keep
 * their order. Takes time in proportion to n, which a comparing sort of a million entries does not.
 */
export function sortPositions(values: Float64Array): Uint32Array {
  let largest = 0;
  for (const value of values) if (value > largest) largest = value;
  let from = new Uint32Array(values.length);
  let to = new Uint32Array(values.length);
  for (let i = 0; i < from.length; i++) from[i] = i;
  const counts = new Uint32Array(digitCount);
  for (let scale = 1; scale <= largest; scale *= digitCount) {
    counts.fill(0);
    for (const value of values) counts[Math.floor(value / scale) % digitCount]!++;
    let start = 0;
    for (let digit = 0; digit < digitCount; digit++) {
      const count = counts[digit]!;
      counts[digit] = start;
      start += count;
    }
    for (const position of from) to[counts[Math.floor(values[position]! / scale) % digitCount]!++] = position;
    [from, to] = [to, from];
  }
  return from;
}
