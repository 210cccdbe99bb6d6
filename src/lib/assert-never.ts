/** Fails to compile when a `switch` misses a member of a union; throws if untyped data gets here anyway. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value: ${JSON.stringify(value)}`);
}
