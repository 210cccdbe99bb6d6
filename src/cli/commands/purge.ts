import { purgePaths, type PurgeOutcome } from '../../engine/prune/purge.ts';
import { displayName, jsonPath } from '../../format/display-name.ts';
import { formatCounted, formatSize } from '../../format/size.ts';
import type { ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { wrapToWidth } from '../../format/text-width.ts';
import { parseVaultPath } from '../vault-path.ts';

export const command: Command = {
  name: 'purge',
  summary: 'take a leaked file out of every restore point',
  description: [
    'Writes every restore point that has the file or folder anew without it, under an id that ends in -purged, and drops the old ' +
      'one. Times, labels, pins and everything else stay. The file in the vault is not touched: add it to .syncignore, or the next ' +
      'snapshot captures it again.',
    'Its bytes are deleted by a prune a day or more later, or at once with --now (do not let another machine take a snapshot ' +
      'meanwhile). A bucket with versioning keeps what was deleted until its rules let it go; --versions deletes that, too, where ' +
      'the key may.',
    'Commits of your own that hold the file are not rewritten: if you committed it, its content stays in the captured history. ' +
      'Rewrite your history with git, and purge again. Copies on replicas and in caches of other machines are not reached. Treat ' +
      'whatever leaked as known to others.',
  ],
  arguments: [{ name: '<path...>', summary: 'files or folders' }],
  options: [
    { flags: '--confirm <path...>', summary: 'the same paths once more: without them nothing is changed' },
    { flags: '--now', summary: 'delete the bytes at once instead of a day later' },
    { flags: '--versions', summary: 'with --now: also delete the versions the bucket keeps of them' },
    { flags: '--without-versions', summary: 'go on where the bucket keeps no versions: there is no way back' },
    { flags: '--alone', summary: 'no other machine prunes now (asked for by storages that cannot tell)' },
  ],
  examples: [
    { command: 'holdfast purge notes/keys.md --confirm notes/keys.md', means: 'take it out; its bytes go a day later' },
    { command: 'holdfast purge secret --confirm secret --now --versions', means: 'a folder, at once and for good' },
  ],
  async run(context) {
    const { out, signal } = context;
    assertConfirmed(context);
    if (context.flag('versions') && !context.flag('now')) {
      throw new HoldfastError('flag_invalid', '--versions needs --now: versions go with what they are versions of.', {
        hint: 'Give both, or neither.',
      });
    }
    await using deps = await context.openSession();
    const paths = context.args.map((raw) => pathOf(context, deps.identity.vault.root, raw));
    const outcome = await purgePaths(deps, {
      paths,
      now: context.flag('now'),
      versions: context.flag('versions'),
      withoutVersions: context.flag('without-versions'),
      alone: context.flag('alone'),
      signal,
    });
    out.result({
      command: 'purge',
      paths: paths.map(jsonPath),
      rewritten: outcome.rewritten,
      objects: outcome.objects,
      still_needed: outcome.stillNeeded,
      deleted_bytes: outcome.deletedBytes,
      deleted_versions: outcome.deletedVersions,
      due_at: outcome.dueAt?.toISOString() ?? null,
      blocked: outcome.blocked,
    });
    printOutcome(out, outcome, { paths, hasVersionsLeft: !context.flag('versions') });
    return outcome.blocked.length > 0 ? exitCodes.incomplete : exitCodes.ok;
  },
};

function pathOf({ io }: CommandContext, root: string, raw: string): ByteString {
  return parseVaultPath(raw, { cwd: io.cwd, root, platform: io.platform });
}

/** A yes can be given without the head; a path has to be known. */
function assertConfirmed(context: CommandContext): void {
  const confirmed = context.values('confirm');
  if (confirmed.length === context.args.length && context.args.every((raw, at) => confirmed[at] === raw)) return;
  const what = context.args.map((raw) => JSON.stringify(raw)).join(' ');
  throw new HoldfastError(
    'not_applied',
    `Nothing was changed: purge takes ${what} out of every restore point for good.`,
    {
      hint: `If that is what you want, say the path again: --confirm ${what}`,
    },
  );
}

function printOutcome(
  out: Output,
  outcome: PurgeOutcome,
  asked: { paths: readonly ByteString[]; hasVersionsLeft: boolean },
): void {
  const lines = [
    `${asked.paths.map((path) => displayName(path)).join(', ')}: taken out of ${formatCounted(outcome.rewritten.length, 'restore point')}`,
  ];
  if (outcome.stillNeeded > 0) {
    lines.push(
      `${formatCounted(outcome.stillNeeded, 'object')} of it stay in the store: the same content stands elsewhere, or in commits of your own`,
    );
  }
  if (outcome.deletedBytes > 0)
    lines.push(`${formatSize(outcome.deletedBytes)} deleted, what was needed of it written anew`);
  if (outcome.dueAt !== null) {
    const when = outcome.dueAt.toISOString().slice(0, 16).replace('T', ' ');
    lines.push(`its bytes are deleted by the next prune after ${when} UTC (holdfast prune --apply)`);
  }
  if (asked.hasVersionsLeft) {
    lines.push('a bucket with versioning keeps deleted bytes until its lifecycle rules let them go');
  }
  if (outcome.blocked.length > 0) {
    lines.push(`${formatCounted(outcome.blocked.length, 'object')} could not be deleted (locked, or no right to)`);
  }
  for (const line of lines.flatMap((text) => wrapToWidth(text, out.columns - 2))) out.print(`  ${line}`);
}
