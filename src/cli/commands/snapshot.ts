import type { Session } from '../../app/compose.ts';
import type { Config } from '../../app/config.ts';
import { updateLiveMirror } from '../../engine/live-mirror.ts';
import { takeSnapshot, type SnapshotOutcome } from '../../engine/take-snapshot.ts';
import { displayText } from '../../format/display-name.ts';
import { formatDuration } from '../../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../../format/size.ts';
import { type HoldfastError, isHoldfastError } from '../../model/errors.ts';
import { parseLabel } from '../../model/ids.ts';
import type { SnapshotCounts } from '../../model/snapshot.ts';
import type { RequestCounts } from '../../ports/object-storage.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodeOf, exitCodes } from '../exit-codes.ts';
import { ledgerPhrases } from '../ledger-text.ts';
import type { Output } from '../output.ts';
import { ledgerFields, pointFields } from '../point-fields.ts';
import { printProblems, problemFields } from '../print-problems.ts';
import { errorFields, renderError } from '../render-error.ts';
import { joinToWidth } from '../../format/text-width.ts';

type Taken = Extract<SnapshotOutcome, { kind: 'taken' }> & { readonly isEncrypted: boolean };
type Unchanged = Extract<SnapshotOutcome, { kind: 'unchanged' }>;

export const command: Command = {
  name: 'snapshot',
  summary: 'capture the vault, untracked files included',
  description: [
    'Captures every file of the vault as it is now, and the history of its git repository, and stores what the store ' +
      'does not have yet. What git ignores, what .syncignore names and files named like secrets are left out, and said so.',
    'With a label the snapshot is always kept and can be found by it. Without one, nothing is stored when nothing changed.',
    'When the store cannot be reached, the snapshot waits on this machine and the next command uploads it.',
  ],
  arguments: [{ name: '[label]', summary: 'a name of your own, 1 to 200 bytes' }],
  options: [
    { flags: '--strict', summary: 'count special files (sockets, devices) as missing' },
    { flags: '--allow-secrets', summary: 'capture files named like secrets too' },
    { flags: '--one-file-system', summary: 'leave out other file systems mounted in the vault' },
  ],
  examples: [
    { command: 'holdfast snapshot', means: 'capture what changed' },
    { command: 'holdfast snapshot "before the big rewrite"', means: 'capture it under a name' },
    { command: 'holdfast snapshot --json | tail -1', means: 'the result, for scripts' },
  ],
  async run(context) {
    const [raw] = context.args;
    const label = raw === undefined ? null : parseLabel(raw);
    const adjust = (config: Config): Config => ({
      ...config,
      capture: {
        ...config.capture,
        allowSecrets: config.capture.allowSecrets || context.flag('allow-secrets'),
        oneFileSystem: config.capture.oneFileSystem || context.flag('one-file-system'),
      },
    });
    await using deps = await context.openSession({ prepareVault: true, strict: context.flag('strict'), adjust });
    const outcome = await takeSnapshot(deps, { label, kind: 'manual', signal: context.signal });
    for (const notice of outcome.notices) context.out.notice(notice);
    if ((await context.config()).live) await mirror(context, deps);
    return outcome.kind === 'taken'
      ? showTaken(context, { ...outcome, isEncrypted: deps.encryption.isSealed === true })
      : showUnchanged(context, outcome);
  },
};

/** The snapshot is safe already: a mirror that cannot be written is said, and caught up with next time. */
async function mirror({ out, signal }: CommandContext, deps: Session): Promise<void> {
  try {
    await updateLiveMirror(deps, { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!isHoldfastError(error)) throw error;
    out.note(`  the live mirror is behind: ${displayText(error.message)}`);
  }
}

function showTaken({ out }: CommandContext, outcome: Taken): number {
  const { record, publishError } = outcome;
  const exitCode = exitCodeFor(publishError, record.complete);
  out.result({
    command: 'snapshot',
    outcome: 'taken',
    encrypted: outcome.isEncrypted,
    ...pointFields(outcome),
    duration_ms: Math.round(outcome.durationMs),
    requests: outcome.requests,
    problems: problemFields(record.problems),
    notices: outcome.notices,
    not_protected: ledgerFields(record.ledger),
    publish_error: publishError === null ? null : errorFields(publishError),
  });
  printCoverage(out, outcome);
  const pieces = [
    `${statusMark(out, outcome)} ${out.paint('bold', displayText(record.id))}`,
    countsText(out, record.counts),
    `${formatSize(record.counts.storedBytes)} new`,
    formatDuration(outcome.durationMs),
    requestsText(outcome.requests),
  ];
  for (const line of joinToWidth(pieces, '   ', { width: out.columns - 2, indent: '  ' })) out.print(`  ${line}`);
  printProblems(out, record.problems, `partial: ${formatCount(record.problems.length)} not stored`);
  if (publishError !== null) printLocalOnly(out, publishError);
  return exitCode;
}

function showUnchanged({ out, io }: CommandContext, outcome: Unchanged): number {
  const { latest, problems, publishError } = outcome;
  const age = formatDuration(Math.max(0, io.now().getTime() - Date.parse(latest.slice(0, 20))));
  out.result({
    command: 'snapshot',
    outcome: 'unchanged',
    id: latest,
    problems: problemFields(problems),
    notices: outcome.notices,
    publish_error: publishError === null ? null : errorFields(publishError),
  });
  const pieces = [`${out.paint('green', '●')} unchanged since ${displayText(latest)}`, `(${age} ago), nothing stored`];
  for (const line of joinToWidth(pieces, ' ', { width: out.columns - 2, indent: '  ' })) out.print(`  ${line}`);
  printProblems(out, problems, `partial: ${formatCount(problems.length)} cannot be stored`);
  if (publishError !== null) printLocalOnly(out, publishError);
  return exitCodeFor(publishError, problems.length === 0);
}

/** "holding nothing back: 12,408 files, 1.3 GB · not protected: node_modules/ (412 MB, .gitignore), .env (secret)" */
function printCoverage(out: Output, { record, isEncrypted }: Taken): void {
  const { files, sizeBytes } = record.counts;
  const begin = record.complete ? 'holding nothing back' : 'holding back what could not be stored';
  const what = `${begin}: ${formatCounted(files, 'file')}, ${formatSize(sizeBytes)}`;
  const phrases = ledgerPhrases(record.ledger);
  const pieces = phrases.map((phrase, index) => (index < phrases.length - 1 ? `${phrase},` : phrase));
  if (pieces.length > 0) pieces[0] = `· not protected: ${pieces[0]}`;
  // What is left out of a plain store is in an encrypted one; nobody should have to guess.
  const sealed = isEncrypted ? ['· encrypted, files named like secrets included'] : [];
  for (const line of joinToWidth([what, ...sealed, ...pieces], ' ', { width: out.columns - 2, indent: '  ' })) {
    out.print(`  ${out.paint('dim', line)}`);
  }
}

function statusMark(out: Output, { record, where }: Taken): string {
  if (where === 'local') return out.paint('yellow', '○');
  return record.complete ? out.paint('green', '●') : out.paint('yellow', '◐');
}

function countsText(out: Output, { added, changed, removed }: SnapshotCounts): string {
  const added_ = out.paint('green', `+${formatCount(added)}`);
  return `${added_} ${out.paint('yellow', `~${formatCount(changed)}`)} ${out.paint('red', `-${formatCount(removed)}`)}`;
}

function requestsText(requests: RequestCounts): string {
  const total = requests.put + requests.get + requests.head + requests.list + requests.delete;
  return formatCounted(total, 'request');
}

/** What is not in the store yet is never called saved. */
function printLocalOnly(out: Output, error: HoldfastError): void {
  out.complain(`  ${out.paintNote(['yellow', 'bold'], 'local only:')} on this machine, not in the store yet`);
  renderError(error, out);
  out.complain('  The next holdfast command that reaches the store uploads it.');
}

/** A store that failed weighs more than paths that were left out. */
function exitCodeFor(publishError: HoldfastError | null, complete: boolean): number {
  if (publishError !== null) return exitCodeOf(publishError);
  return complete ? exitCodes.ok : exitCodes.incomplete;
}
