import { formatDuration } from '../../format/duration.ts';
import type { RunbookFacts } from './facts.ts';
import { phases, type Procedure } from './procedures.ts';

const escalation: readonly string[] = [
  'Stop what is doing damage first: the watcher, a script, a sync tool.',
  'Delete nothing: not in the store, not in state/.holdfast/spool, not in the holding directory.',
  'Two people for anything that ends in --apply.',
  'When the store and the replica both fail: the storage provider can often undelete for some days; open a case at once.',
];

/** A procedure as Markdown. */
export function renderProcedure(procedure: Procedure): string {
  const lines = [`## ${procedure.title}`, '', `_${procedure.when}_`];
  for (const phase of phases) {
    lines.push('', `### ${phase[0]!.toUpperCase()}${phase.slice(1)}`, '');
    procedure.steps[phase].forEach(({ text, command }, i) => {
      lines.push(`${i + 1}. ${text}`);
      if (command !== undefined) lines.push('', `       ${command}`, '');
    });
  }
  return `${lines.join('\n').replaceAll(/\n{3,}/g, '\n\n')}\n`;
}

/** RECOVERY.md: everything in one page that is worth printing. `at` is when it was written. */
export function renderRunbook(facts: RunbookFacts, list: readonly Procedure[], at: string): string {
  const measured =
    facts.rtoMs === null
      ? 'No restore was rehearsed yet: run `holdfast drill`.'
      : `Measured by the drill of ${facts.drilledAt}: everything back in ${formatDuration(facts.rtoMs)}, at most ${formatDuration(facts.rpoMs!)} of work at risk.`;
  const replicas =
    facts.replicas.length === 0 ? 'none: add one with `holdfast replicate configure URL`' : facts.replicas.join(', ');
  const head = [
    `# Recovery of ${facts.vault}`,
    '',
    `Written by \`holdfast runbook --write\` on ${at}. Write it anew when the store or a replica changes.`,
    '',
    `- store: ${facts.store}${facts.isEncrypted ? ' (encrypted: passphrase or recovery key needed)' : ''}`,
    `- versions kept by the storage: ${facts.hasVersions ? 'yes' : 'no'}`,
    `- replicas: ${replicas}`,
    `- newest complete restore point: ${facts.latest ?? 'none'}; oldest: ${facts.oldest ?? 'none'}`,
    `- machines: ${facts.machines.join(', ') || 'none'}`,
    `- ${measured}`,
    '',
    'Without holdfast: `RESTORE.md` in the store needs only git and a shell.',
  ];
  const foot = ['## Escalation', '', ...escalation.map((line) => `- ${line}`)];
  return `${head.join('\n')}\n\n${list.map(renderProcedure).join('\n')}\n${foot.join('\n')}\n`;
}
