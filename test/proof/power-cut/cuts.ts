import type { Cut, DataFate, DiskModel, DiskState } from './disk-model.ts';
import { digestOf } from './disk-model.ts';
import type { DiskStep } from './disk-trace.ts';

export interface State {
  readonly state: DiskState;
  /** "12.7": the step it was cut after, and which of its states. */
  readonly name: string;
  /** The command had done everything: what it acknowledged must be there. */
  readonly isDone: boolean;
}

const all =
  (kind: DataFate['kind'], share: number): (() => DataFate) =>
  () => ({ kind, share });

/** The plainest ends: nothing unsynced became real, all of it did, names without data, zeros, halves; names without order. */
const plainCuts: readonly Cut[] = [
  { keepsName: () => false, fateOf: all('lost', 0) },
  { keepsName: () => true, fateOf: all('torn', 1) },
  { keepsName: () => true, fateOf: all('lost', 0) },
  { keepsName: () => true, fateOf: all('zeroed', 0) },
  { keepsName: () => true, fateOf: all('torn', 0.5) },
  { keepsName: () => false, fateOf: all('torn', 1) },
];

/** Every different state a power cut can leave at any moment, as far as `random` finds them in so many tries a moment. */
export function* statesOf(
  model: DiskModel,
  steps: readonly DiskStep[],
  options: { random: () => number; tries: number },
): Generator<State> {
  const { random, tries } = options;
  const seen = new Set<string>();
  const anyCut: Cut = {
    keepsName: () => random() < 0.5,
    fateOf: () => {
      const kind = (['lost', 'torn', 'zeroed', 'torn'] as const)[Math.floor(random() * 4)]!;
      return { kind, share: random() < 0.3 ? 1 : random() };
    },
  };
  for (const [at, step] of steps.entries()) {
    model.apply(step);
    const isDone = at === steps.length - 1;
    const cuts = model.isUnsettled ? [...plainCuts, ...Array.from({ length: tries }, () => anyCut)] : [plainCuts[0]!];
    for (const [index, cut] of cuts.entries()) {
      const state = model.after(cut);
      const key = `${isDone} ${digestOf(state)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      yield { state, name: `${at}.${index}`, isDone };
    }
  }
}

/** Numbers from 0 to 1 that a seed makes again. */
export function randomFrom(seed: number): () => number {
  let at = seed >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(at ^ (at >>> 15), at | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
