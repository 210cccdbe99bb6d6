import { HoldfastError } from '../model/errors.ts';

/** The error for an index that is not what git would write. */
export function brokenIndex(reason: string): HoldfastError {
  return new HoldfastError('object_corrupt', `The git index cannot be read: ${reason}.`, {
    hint: 'Run git status in the vault: git itself will say what is wrong with its index.',
  });
}
