import { readStatus, type StatusReport } from '../../engine/read-status.ts';
import { displayText } from '../../format/display-name.ts';
import { formatAge } from '../../format/duration.ts';
import { formatCount, formatCounted, formatSize } from '../../format/size.ts';
import type { HealthColour } from '../../model/health.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { ledgerPhrases } from '../ledger-text.ts';
import type { Output } from '../output.ts';
import { ledgerFields, pointFields } from '../point-fields.ts';
import { printMetrics, printRecoveryMatrix } from '../print-metrics.ts';
import { printFact } from '../print-fact.ts';
import { joinToWidth, wrapToWidth } from '../../format/text-width.ts';
import { repositoryFields, repositoryText, watchFacts, watchFields } from '../watch-facts.ts';

export const command: Command = {
  name: 'status',
  summary: 'tell whether the vault is safe, and why',
  description: [
    'Shows the state of the vault on one screen: green, yellow or red with every reason and the command that mends it; the ' +
      'newest restore point, what waits to be uploaded, the store, the repository, and what is not protected.',
    'Nothing is changed. With --check the exit code tells the colour: 0 for green, 3 for yellow (protected, but something wants ' +
      'a look), 1 for red (not protected as promised). Without it, a status that could be read ends 0 whatever it says.',
  ],
  arguments: [],
  options: [
    { flags: '--check', summary: 'end with 0 when green, 3 when yellow, 1 when red' },
    { flags: '--metrics', summary: 'success, duration, growth, drills over thirty days' },
    { flags: '--dr', summary: 'the recovery matrix: scenario, time, loss, automated' },
  ],
  examples: [
    { command: 'holdfast status', means: 'one screen of truth' },
    { command: 'holdfast status --check --quiet', means: 'for scripts and monitors' },
  ],
  async run(context) {
    const { out, io, flag, signal, openSession } = context;
    if (flag('metrics')) return printMetrics(context);
    if (flag('dr')) return printRecoveryMatrix(context);
    await using deps = await openSession();
    const report = await readStatus(deps, { signal });
    out.result({ command: 'status', ...statusFields(report) });
    printReport(out, report, io.now());
    return flag('check') ? codeOfColour[report.colour] : exitCodes.ok;
  },
};

const codeOfColour: Readonly<Record<HealthColour, number>> = {
  green: exitCodes.ok,
  yellow: exitCodes.incomplete,
  red: exitCodes.refused,
};

function statusFields(report: StatusReport): Readonly<Record<string, unknown>> {
  const { lastVerify, machines } = report;
  return {
    colour: report.colour,
    reasons: report.reasons,
    vault: report.vault,
    store: report.store,
    latest: report.latest === null ? null : pointFields(report.latest),
    snapshots: report.snapshots,
    stored_bytes: report.storedBytes,
    waiting: report.waiting,
    machines: machines.map(({ id, name, isThis, latest, snapshots }) => ({
      id,
      name,
      is_this: isThis,
      snapshots,
      latest_id: latest.record.id,
      latest_at: latest.record.takenAt,
    })),
    last_verify: lastVerify === null ? null : { at: lastVerify.at, machine: lastVerify.machine, ...lastVerify.event },
    repository: repositoryFields(report),
    ...watchFields(report),
    not_protected: ledgerFields(report.notProtected),
    index_damage: report.indexDamage,
  };
}

const colourWords: Readonly<Record<HealthColour, string>> = {
  green: 'safe',
  yellow: 'safe, but look at this',
  red: 'not safe',
};

function printReport(out: Output, report: StatusReport, now: Date): void {
  const { colour, vault, reasons } = report;
  const headline = `${out.paint([colour, 'bold'], '●')} ${out.paint('bold', displayText(vault.name))}`;
  for (const line of joinToWidth([headline, colourWords[colour]], '  ', { width: out.columns - 2 }))
    out.print(`  ${line}`);
  for (const { text, remedy, colour: of } of reasons) {
    const lines = wrapToWidth(displayText(text), out.columns - 6, '');
    for (const [index, line] of lines.entries())
      out.print(`    ${index === 0 ? `${out.paint(of, '-')} ` : '  '}${line}`);
    if (remedy !== '') out.print(`      ${out.paint('cyan', displayText(remedy))}`);
  }
  out.print();
  for (const [name, value] of factsOf(report, now)) printFact(out, name, value);
}

function* factsOf(report: StatusReport, now: Date): Iterable<[string, string]> {
  const ago = (time: string) => formatAge(now.getTime() - Date.parse(time));
  const { latest, store, repository, lastVerify } = report;
  if (latest !== null) {
    const { id, takenAt, counts, complete } = latest.record;
    const where = latest.where === 'local' ? 'local only' : 'in store';
    const whole = complete ? '' : ', partial';
    yield ['newest', `${ago(takenAt)}, ${where}${whole}: ${displayText(id)}`];
    yield ['protects', `${formatCounted(counts.files, 'file')}, ${formatSize(counts.sizeBytes)}`];
  }
  yield* watchFacts(report, now);
  yield ['restore points', `${formatCount(report.snapshots)}, ${formatSize(report.storedBytes)} stored`];
  if (report.waiting > 0) yield ['waiting', `${formatCount(report.waiting)} to be uploaded`];
  const reachable = store.reachable ? '' : ', cannot be reached';
  yield ['store', `${displayText(store.url)}${reachable}`];
  if (store.versioning !== 'unknown') yield ['versioning', store.versioning];
  for (const machine of report.machines) {
    if (!machine.isThis)
      yield ['machine', `${displayText(machine.name)}: newest ${ago(machine.latest.record.takenAt)}`];
  }
  const verify = lastVerify?.event;
  if (verify?.event === 'verify') {
    const found = verify.findings === 0 ? 'whole' : formatCounted(verify.findings, 'finding');
    yield ['verified', `${ago(lastVerify!.at)} (${verify.depth}): ${found}`];
  } else yield ['verified', 'never; prove the store with: holdfast verify'];
  if (repository !== null) yield ['git', repositoryText(repository, report.changes)];
  const unprotected = ledgerPhrases(report.notProtected);
  if (unprotected.length > 0) yield ['not protected', unprotected.join(', ')];
}
