import { isHoldfastError } from '../model/errors.ts';

/** A clause for a problem: what is wrong with an object, without the full stop and advice of an error. */
export function describeDamage(error: unknown): string {
  if (!isHoldfastError(error)) return 'it cannot be read';
  const { message } = error;
  return `${message.slice(0, 1).toLowerCase()}${message.slice(1).replace(/\.$/, '')}`;
}
