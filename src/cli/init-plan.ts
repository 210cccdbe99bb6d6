import type { Config } from '../app/config.ts';
import type { InitPlan } from '../engine/init-vault.ts';
import { displayName, displayText, jsonPath } from '../format/display-name.ts';
import { formatCounted, formatSize } from '../format/size.ts';
import { formatStoreUrl } from '../format/store-url.ts';
import { ledgerPhrases } from './ledger-text.ts';
import type { Output } from './output.ts';
import { ledgerFields } from './point-fields.ts';
import { printFact } from './print-fact.ts';
import { problemFields } from './print-problems.ts';

const storeWords: Readonly<Record<InitPlan['store']['state'], string>> = {
  new: 'new',
  ours: "already this vault's",
  foreign: 'belongs to another vault',
};

/** Shows what would be captured, what takes the most room and what stays unprotected, before anything is sent. */
export function printInitPlan(
  out: Output,
  plan: InitPlan,
  { config, isEncrypted }: { config: Config; isEncrypted: boolean },
): void {
  const { store, files, sizeBytes, historyBytes, largestFolders } = plan;
  out.print();
  printFact(out, 'vault', `${displayText(config.vaultName)} (${displayText(config.vaultRoot)})`);
  printFact(out, 'store', `${displayText(formatStoreUrl(config.store))} (${storeWords[store.state]})`);
  if (isEncrypted) printFact(out, 'encryption', 'AES-256-GCM, before anything leaves this computer');
  const history = historyBytes > 0 ? `, and ${formatSize(historyBytes)} of git history` : '';
  printFact(out, 'captures', `${formatCounted(files, 'file')}, ${formatSize(sizeBytes)}${history}`);
  for (const [index, folder] of largestFolders.entries()) {
    const name = displayName(`${folder.path}/`, { charsMax: 60 });
    const text = `${formatSize(folder.sizeBytes)}  ${name}  ${formatCounted(folder.files, 'file')}`;
    printFact(out, index === 0 ? 'largest' : '', text);
  }
  const phrases = ledgerPhrases(plan.ledger, { all: true });
  for (const [index, phrase] of phrases.entries()) printFact(out, index === 0 ? 'not protected' : '', phrase);
  if (phrases.length > 0)
    printFact(out, '', out.paint('dim', 'To protect one of these all the same, name it with ! in .syncignore.'));
  out.print();
}

/** The same for JSON. */
export function initPlanFields(plan: InitPlan, config: Config): Readonly<Record<string, unknown>> {
  return {
    vault: { name: config.vaultName, root: config.vaultRoot },
    store: { url: formatStoreUrl(config.store), state: plan.store.state, vault_name: plan.store.vaultName },
    encrypted: plan.store.isEncrypted,
    files: plan.files,
    size_bytes: plan.sizeBytes,
    history_bytes: plan.historyBytes,
    largest_folders: plan.largestFolders.map(({ path, files, sizeBytes }) => ({
      ...jsonPath(path),
      files,
      size_bytes: sizeBytes,
    })),
    not_protected: ledgerFields(plan.ledger),
    problems: problemFields(plan.problems),
    notices: plan.notices,
  };
}
