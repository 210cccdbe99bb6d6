// As far as git looks.
const lookedAtBytes = 8000;

/** True for what git calls binary: a NUL byte among the first 8,000. */
export function isBinary(content: Uint8Array): boolean {
  return content.subarray(0, lookedAtBytes).includes(0);
}
