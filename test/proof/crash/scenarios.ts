import { checkCommand } from './check-command.ts';
import { checkRollback } from './check-rollback.ts';
import type { CrashScenario } from './kill-loop.ts';

const two = ['first', 'second'];
const three = [...two, 'newest'];
/** Prune refuses where it cannot find out whether the store keeps two runs apart. */
const prune = { words: ['prune', '--apply', '--keep-none'], labels: three, errorCodes: [1] } as const;
const common = { label: null, step: 1, check: checkCommand } as const;

/** RELIABILITY asks for every point of snapshot, rollback and prune on every push; of others some, another share with each seed. */
export const crashScenarios: readonly CrashScenario[] = [
  {
    ...common,
    name: 'snapshot',
    words: ['snapshot', 'third'],
    beginning: 'two-snapshots',
    label: 'third',
    labels: two,
  },
  {
    ...common,
    name: 'rollback',
    words: ['rollback', 'first', '--apply', '--confirm-label=first'],
    beginning: 'two-snapshots',
    labels: two,
    check: checkRollback,
  },
  { ...common, name: 'prune', ...prune, beginning: 'prunable' },
  { ...common, name: 'sweep', ...prune, beginning: 'condemned', step: 3 },
  {
    ...common,
    name: 'first-snapshot',
    words: ['snapshot', 'third'],
    beginning: 'new',
    label: 'third',
    labels: [],
    step: 8,
  },
  {
    ...common,
    name: 'restore',
    words: ['restore', '--all', 'first'],
    beginning: 'two-snapshots',
    labels: two,
    step: 12,
  },
  { ...common, name: 'init', words: ['init', '--yes'], beginning: 'new', labels: [], step: 8 },
  { ...common, name: 'reindex', words: ['reindex'], beginning: 'two-snapshots', labels: two, step: 8 },
];
