import { machineLimits } from '../../app/machine-limits.ts';
import { examineVault } from '../../engine/doctor/examine-vault.ts';
import type { Finding } from '../../engine/doctor/finding.ts';
import { probeStorage } from '../../engine/doctor/probe-storage.ts';
import { accessPolicy, type AccessRole, accessRoles } from '../../format/access-policy.ts';
import { displayText } from '../../format/display-name.ts';
import { wrapToWidth } from '../../format/text-width.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

export const command: Command = {
  name: 'doctor',
  summary: 'try out the store and this machine, and say what to do',
  description: [
    'Makes the storage do what holdfast relies on, with throw-away keys that are removed again: writing and reading back, parts of ' +
      'objects, creating a key only once, versions that really give back old bytes, deleting, uploads in parts (17 MB, not with ' +
      '--quick), checksums, the clock, lifecycle rules that would eat the store, object lock. What it learns is remembered.',
    'Looks at the vault, too: watch limits, ignore rules, free space, the index, key files. Every finding has its remedy.',
    'Ends with 0 when nothing needs doing, with 3 otherwise. --policy prints the least rights a key needs: writer (cannot delete), ' +
      'pruner or reader.',
  ],
  arguments: [],
  options: [
    { flags: '--quick', summary: 'leave out the large upload' },
    { flags: '--policy <role>', summary: 'print the access policy for a role', choices: accessRoles },
  ],
  examples: [
    { command: 'holdfast doctor', means: 'examine everything' },
    { command: 'holdfast doctor --policy writer', means: 'the rights of a key that can snapshot and cannot destroy' },
  ],
  async run(context) {
    const { out, io, signal } = context;
    const config = await context.config();
    const role = context.value('policy') as AccessRole | undefined;
    if (role !== undefined) return printPolicy(context, role);
    await using deps = await context.openSession({ createStore: true });
    out.print(`  store ${displayText(deps.storage.url)}`);
    const findings = [
      ...(await probeStorage(deps, { large: !context.flag('quick'), signal })),
      ...(await examineVault(deps, machineLimits(config, io.env), { signal })),
    ];
    const isHealthy = findings.every(({ level }) => level === 'good' || level === 'note');
    out.result({ command: 'doctor', healthy: isHealthy, findings });
    for (const finding of findings) printFinding(context, finding);
    const wrong = findings.filter(({ level }) => level === 'problem' || level === 'warning').length;
    if (isHealthy) out.print(`  ${out.paint('green', '●')} nothing needs doing`);
    else out.print(`  ${out.paint('yellow', '●')} ${wrong} of ${findings.length} findings ask for something`);
    return isHealthy ? exitCodes.ok : exitCodes.incomplete;
  },
};

async function printPolicy(context: CommandContext, role: AccessRole): Promise<number> {
  const { store } = await context.config();
  if (store.kind !== 's3') {
    throw new HoldfastError('flag_invalid', 'The store is a folder: whoever may write there may write the store.', {
      hint: 'Policies are for buckets. Give one with: --store s3://bucket/prefix',
    });
  }
  const policy = accessPolicy(role, store);
  context.out.result({ command: 'doctor', role, policy });
  for (const line of JSON.stringify(policy, null, 2).split('\n')) context.out.print(line);
  return exitCodes.ok;
}

const marks = { good: ['green', '✓'], note: ['dim', '·'], warning: ['yellow', '!'], problem: ['red', '✗'] } as const;

function printFinding({ out }: CommandContext, { level, text, remedy }: Finding): void {
  const [colour, mark] = marks[level];
  wrapToWidth(displayText(text), out.columns - 4, '').forEach((line, i) => {
    out.print(`  ${i === 0 ? out.paint(colour, mark) : ' '} ${line}`);
  });
  if (remedy === '') return;
  for (const line of wrapToWidth(displayText(remedy), out.columns - 8, ''))
    out.print(`      ${out.paint('bold', line)}`);
}
