import { commandTable } from '../../../src/cli/command-table.ts';

/** One way to run a command, against a vault with two snapshots in the store and edits not captured yet. */
export interface Scenario {
  readonly command: string;
  readonly args: readonly string[];
  /** Begins in a vault that has no store yet. */
  readonly isNew?: boolean;
  /** Begins on another machine that never saw the store. */
  readonly isOtherMachine?: boolean;
  /** May end with these as well when a call fails: what it could not do it names (3). */
  readonly namesFaults?: boolean;
  /** Makes no call to the store, which is checked. */
  readonly isOffline?: boolean;
  /** A rollback: ended well, the live files are those of this label; otherwise what they were. */
  readonly bringsBack?: string;
  /** How it ends without a fault; 0 unless told. */
  readonly code?: number;
}

/** At least one for each command of the table; a command without one makes the rig red. */
export const scenarios: readonly Scenario[] = [
  { command: 'init', args: ['--yes'], isNew: true },
  { command: 'snapshot', args: ['third'] },
  { command: 'snapshot', args: [] },
  { command: 'snapshot', args: ['first'], isNew: true },
  { command: 'run', args: ['--label', 'x', '--', 'true'] },
  { command: 'list', args: [] },
  { command: 'status', args: [] },
  { command: 'diff', args: ['first', 'second'] },
  { command: 'diff', args: [] },
  { command: 'ls', args: ['notes'] },
  { command: 'cat', args: ['notes/plan.md', 'first'] },
  { command: 'cat', args: ['notes/plan.md', 'first'], isOtherMachine: true },
  { command: 'find', args: ['plan'] },
  { command: 'log', args: ['notes/plan.md'] },
  { command: 'restore', args: ['--all', 'first'] },
  { command: 'restore', args: ['notes/plan.md', 'first'], isOtherMachine: true },
  { command: 'export', args: ['second'] },
  { command: 'verify', args: ['--full'] },
  { command: 'verify', args: ['--quick'] },
  { command: 'reindex', args: [] },
  { command: 'reindex', args: [], isOtherMachine: true },
  { command: 'pin', args: ['first'] },
  { command: 'unpin', args: ['second'] },
  { command: 'hooks', args: [], isOffline: true },
  { command: 'rollback', args: ['first', '--apply', '--confirm-label=first'], bringsBack: 'first' },
  { command: 'rollback', args: ['first', '--dry-run'] },
  { command: 'rescue', args: ['first'] },
  { command: 'drill', args: [] },
  { command: 'prune', args: [] },
  { command: 'prune', args: ['--apply', '--keep-none', '--alone'], namesFaults: true },
  { command: 'repair', args: ['--undelete'] },
  { command: 'doctor', args: [], namesFaults: true },
  { command: 'runbook', args: [] },
  { command: 'checklist', args: ['weekly'], isOffline: true },
  { command: 'key', args: ['list'], isOffline: true },
  { command: 'notify', args: ['test'], isOffline: true, code: 3 },
  { command: 'completion', args: ['bash'], isOffline: true },
  { command: 'help', args: ['snapshot'], isOffline: true },
  { command: 'complete', args: ['--', ''], isOffline: true },
];

/** The lease of a prune that ended without its store is for all machines to see, and is over after six hours (X13). */
export function waitsForLease(code: number, complaint: string): boolean {
  return code === 10 && complaint.includes('One that died is taken over');
}

export function nameOf({ command, args, isNew, isOtherMachine }: Scenario): string {
  const where = isNew === true ? ' (new vault)' : isOtherMachine === true ? ' (other machine)' : '';
  return [command, ...args].join(' ') + where;
}

/** Commands that are not driven here, and why; the page says so. */
export const notDriven: Readonly<Record<string, string>> = {
  watch: 'runs until it is stopped; each of its snapshots is the snapshot command',
  service: 'installs watch with the system, and makes no call to a store',
  tui: 'needs a terminal; what it does, the commands do',
  purge: 'changes on purpose what snapshots give back, so it needs a judge of its own: its own tests fail its calls',
  replicate: 'works on two stores at once: test/engine/replicate and test/e2e play its faults',
};

/** Commands nobody wrote a scenario for. */
export function commandsWithout(): string[] {
  const isDriven = (name: string): boolean =>
    Object.hasOwn(notDriven, name) || scenarios.some(({ command }) => command === name);
  return commandTable.map(({ name }) => name).filter((name) => !isDriven(name));
}
