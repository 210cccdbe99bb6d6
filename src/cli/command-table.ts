import type { Command } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  /** The same line as the command's own. */
  readonly summary: string;
  readonly group: CommandGroup;
  load(): Promise<Command>;
}

export type CommandGroup = 'capture' | 'look' | 'get back' | 'prove' | 'more' | 'hidden';

/** Every command, in the order of the help page. A module is loaded only when its command is asked for. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: 'init',
    summary: 'set up a vault: choose the store, write the settings',
    group: 'capture',
    load: async () => (await import('./commands/init.ts')).command,
  },
  {
    name: 'snapshot',
    summary: 'capture the vault, untracked files included',
    group: 'capture',
    load: async () => (await import('./commands/snapshot.ts')).command,
  },
  {
    name: 'watch',
    summary: 'take a snapshot whenever something changed, until stopped',
    group: 'capture',
    load: async () => (await import('./commands/watch.ts')).command,
  },
  {
    name: 'service',
    summary: 'keep watching in the background: from login to logout, for ever',
    group: 'capture',
    load: async () => (await import('./commands/service.ts')).command,
  },
  {
    name: 'run',
    summary: 'run a command between two snapshots, and show what it changed',
    group: 'capture',
    load: async () => (await import('./commands/run.ts')).command,
  },
  {
    name: 'tui',
    summary: 'see health and restore points, and get files back, in the terminal',
    group: 'look',
    load: async () => (await import('./commands/tui.ts')).command,
  },
  {
    name: 'status',
    summary: 'tell whether the vault is safe, and why',
    group: 'look',
    load: async () => (await import('./commands/status.ts')).command,
  },
  {
    name: 'list',
    summary: 'list the restore points, newest first',
    group: 'look',
    load: async () => (await import('./commands/list.ts')).command,
  },
  {
    name: 'diff',
    summary: 'show what changed between restore points, or since one',
    group: 'look',
    load: async () => (await import('./commands/diff.ts')).command,
  },
  {
    name: 'ls',
    summary: 'list the files of a restore point',
    group: 'look',
    load: async () => (await import('./commands/ls.ts')).command,
  },
  {
    name: 'cat',
    summary: 'print a file of a restore point',
    group: 'look',
    load: async () => (await import('./commands/cat.ts')).command,
  },
  {
    name: 'find',
    summary: 'find files by name in restore points',
    group: 'look',
    load: async () => (await import('./commands/find.ts')).command,
  },
  {
    name: 'log',
    summary: 'list every distinct version of a file',
    group: 'look',
    load: async () => (await import('./commands/log.ts')).command,
  },
  {
    name: 'restore',
    summary: 'bring files back into the holding directory',
    group: 'get back',
    load: async () => (await import('./commands/restore.ts')).command,
  },
  {
    name: 'rollback',
    summary: 'take the live files back to a restore point',
    group: 'get back',
    load: async () => (await import('./commands/rollback.ts')).command,
  },
  {
    name: 'rescue',
    summary: 'bring back exactly what vanished, into the holding directory',
    group: 'get back',
    load: async () => (await import('./commands/rescue.ts')).command,
  },
  {
    name: 'export',
    summary: 'write a restore point as a git bundle',
    group: 'get back',
    load: async () => (await import('./commands/export.ts')).command,
  },
  {
    name: 'verify',
    summary: 'prove that the store holds what it should',
    group: 'prove',
    load: async () => (await import('./commands/verify.ts')).command,
  },
  {
    name: 'pin',
    summary: 'keep a restore point whatever the retention rules say',
    group: 'more',
    load: async () => (await import('./commands/pin.ts')).command,
  },
  {
    name: 'unpin',
    summary: 'let the retention rules decide about a restore point again',
    group: 'more',
    load: async () => (await import('./commands/unpin.ts')).command,
  },
  {
    name: 'drill',
    summary: 'rehearse a restore for real, compare every byte, measure',
    group: 'prove',
    load: async () => (await import('./commands/drill.ts')).command,
  },
  {
    name: 'prune',
    summary: 'drop the restore points the retention rules do not keep',
    group: 'more',
    load: async () => (await import('./commands/prune.ts')).command,
  },
  {
    name: 'replicate',
    summary: 'keep a second copy of the store somewhere else',
    group: 'prove',
    load: async () => (await import('./commands/replicate.ts')).command,
  },
  {
    name: 'repair',
    summary: 'bring back objects that the store lost, from versions or a replica',
    group: 'prove',
    load: async () => (await import('./commands/repair.ts')).command,
  },
  {
    name: 'doctor',
    summary: 'try out the store and this machine, and say what to do',
    group: 'prove',
    load: async () => (await import('./commands/doctor.ts')).command,
  },
  {
    name: 'purge',
    summary: 'take a leaked file out of every restore point',
    group: 'more',
    load: async () => (await import('./commands/purge.ts')).command,
  },
  {
    name: 'runbook',
    summary: 'print recovery procedures, filled in for this vault',
    group: 'get back',
    load: async () => (await import('./commands/runbook.ts')).command,
  },
  {
    name: 'checklist',
    summary: 'print what to look at daily, weekly, monthly, quarterly',
    group: 'prove',
    load: async () => (await import('./commands/checklist.ts')).command,
  },
  {
    name: 'reindex',
    summary: 'rebuild the local index from the store',
    group: 'prove',
    load: async () => (await import('./commands/reindex.ts')).command,
  },
  {
    name: 'hooks',
    summary: 'show and approve the commands and addresses of the settings',
    group: 'more',
    load: async () => (await import('./commands/hooks.ts')).command,
  },
  {
    name: 'notify',
    summary: 'try every way alerts can reach you',
    group: 'more',
    load: async () => (await import('./commands/notify.ts')).command,
  },
  {
    name: 'key',
    summary: 'list, add, remove and change the keys of an encrypted store',
    group: 'more',
    load: async () => (await import('./commands/key.ts')).command,
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    group: 'more',
    load: async () => (await import('./commands/completion.ts')).command,
  },
  {
    name: 'help',
    summary: 'explain a command or a topic',
    group: 'more',
    load: async () => (await import('./commands/help.ts')).command,
  },
  {
    name: 'complete',
    summary: 'answer a shell that asks for completions',
    group: 'hidden',
    load: async () => (await import('./commands/complete.ts')).command,
  },
];
