export const checklistNames = ['daily', 'weekly', 'monthly', 'quarterly'] as const;

export type ChecklistName = (typeof checklistNames)[number];

export interface ChecklistItem {
  readonly text: string;
  readonly command: string | null;
}

const item = (text: string, command: string | null = null): ChecklistItem => ({ text, command });

/** What a careful person looks at, and how often; what the watcher does by itself is looked at, not done again. */
export const checklists: Readonly<Record<ChecklistName, readonly ChecklistItem[]>> = {
  daily: [
    item('Green, or a reason you know.', 'holdfast status --check'),
    item('Nothing waits on this machine for the store.', 'holdfast status'),
    item('Commits are pushed.', 'git status -sb'),
  ],
  weekly: [
    item('Every new byte in the store is proved.', 'holdfast verify'),
    item('Replicas are level.', 'holdfast replicate status'),
    item('What is not protected is what you meant.', 'holdfast status'),
    item('Every machine has been heard of.', 'holdfast status'),
  ],
  monthly: [
    item('A restore was rehearsed, and fast enough.', 'holdfast drill'),
    item('Retention keeps what you want.', 'holdfast prune'),
    item('The bucket still does what it should.', 'holdfast doctor'),
    item('Growth and durations look right.', 'holdfast status --metrics'),
  ],
  quarterly: [
    item('Every byte of the store is proved.', 'holdfast verify --full'),
    item('An old point comes back with stock git alone.', 'holdfast drill --old --without-holdfast'),
    item('A replica restores.', 'holdfast restore --validate-only --store URL'),
    item('RECOVERY.md is current, and printed.', 'holdfast runbook --write'),
    item('Keys: the recovery key is where you think, old keys are removed.', 'holdfast key list'),
  ],
};
