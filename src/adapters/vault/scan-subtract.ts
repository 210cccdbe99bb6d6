import type { ByteString } from '../../lib/bytes.ts';
import type { Problem } from '../../model/problem.ts';
import { entryFlags, type VaultTree } from '../../model/vault-tree.ts';
import type { IgnoreBook, RuleOrigin } from './ignore-book.ts';
import { LedgerNotes } from './ledger.ts';
import type { LiveScan } from './live-scan.ts';
import { ScanCounts } from './scan-notices.ts';

/** What a scan noted, less what it noted of some folders. */
export interface RestOfScan {
  readonly ledger: LedgerNotes;
  readonly counts: ScanCounts;
  readonly problems: readonly Problem[];
}

/** Takes out of the notes of a scan what came from these folders, so that what they hold now can be added. */
export function withoutFolders(
  live: LiveScan,
  book: IgnoreBook,
  { tree, folders }: { readonly tree: VaultTree; readonly folders: readonly number[] },
): RestOfScan {
  const counts = new ScanCounts();
  counts.add(live.counts);
  // These tell of the moment of a scan, or of folders that are looked at every time.
  counts.vanished = 0;
  counts.fifos = 0;
  counts.sockets = 0;
  counts.devices = 0;
  const ledger = new LedgerNotes();
  const ofBook = ({ reason, source, pattern }: RuleOrigin): RuleOrigin => book.origin(reason, source, pattern);
  for (const [origin, total] of live.ledger.rules) ledger.rules.set(ofBook(origin), { ...total });
  const paths = new Set<ByteString>();
  for (const folder of folders) {
    paths.add(tree.folderPath(folder));
    subtractRows(tree, folder, counts);
    subtractIgnored(live, folder, { ledger, counts, ofBook });
  }
  const isElsewhere = ({ path }: { readonly path: ByteString }): boolean => {
    const bare = path.endsWith('/') ? path.slice(0, -1) : path;
    return !paths.has(bare) && !paths.has(bare.slice(0, Math.max(0, bare.lastIndexOf('/'))));
  };
  ledger.rows.push(...live.ledger.rows.filter(isElsewhere));
  return { ledger, counts, problems: live.problems.filter(isElsewhere) };
}

function subtractRows(tree: VaultTree, folder: number, counts: ScanCounts): void {
  const end = tree.folderEntryStarts[folder]! + tree.folderEntryCounts[folder]!;
  for (let row = tree.folderEntryStarts[folder]!; row < end; row++) {
    if ((tree.modes[row]! & 0o7000) !== 0) counts.specialModes--;
    if ((tree.flags[row]! & entryFlags.leavesVault) !== 0) counts.linksOutside--;
  }
}

function subtractIgnored(
  { ignored }: LiveScan,
  folder: number,
  rest: {
    readonly ledger: LedgerNotes;
    readonly counts: ScanCounts;
    readonly ofBook: (origin: RuleOrigin) => RuleOrigin;
  },
): void {
  for (let row = ignored.firstRow(folder); row < ignored.endRow(folder); row++) {
    const origin = ignored.origin(row);
    if (origin.reason === 'nested_repository') rest.counts.nestedRepositories--;
    if (ignored.isFolder(row) || origin.source === '') continue;
    rest.ledger.subtractFile(rest.ofBook(origin), ignored.sizes[row]!);
  }
}
