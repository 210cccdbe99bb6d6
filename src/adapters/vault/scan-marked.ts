import type { ByteString } from '../../lib/bytes.ts';
import type { Scan, ScanOptions } from '../../ports/working-tree.ts';
import { drawLedger } from './ledger.ts';
import { measureIgnored } from './ledger-measure.ts';
import { keepLiveScan, liveScanOf } from './live-scan.ts';
import { graftPart } from './scan-graft.ts';
import { scanNotices } from './scan-notices.ts';
import { withoutFolders } from './scan-subtract.ts';
import { foldersMax, type MarkedScanParts, MarkedWalk } from './marked-walk.ts';

/**
 * Looks at the marked folders alone, new ones in them whole, and takes the rest from the base. Costs what those folders hold.
 * Returns null where everything must be looked at: the rules or much of what git tracks changed, or the base never was in this
 * process.
 */
export async function scanMarked(options: ScanOptions, parts: MarkedScanParts): Promise<Scan | null> {
  const { base, onlyFolders } = options;
  const live = base === null ? null : liveScanOf(base.memory);
  if (base === null || live === null || onlyFolders === undefined || onlyFolders === null) return null;
  const retracked = trackedAnew(live.tracked, options.tracked);
  // Devices are not kept, so with something mounted inside it could not be told what belongs where.
  if (live.bookHash !== parts.book.hash || retracked === null || live.counts.mountPoints > 0) return null;
  const visits = new MarkedWalk(base.tree, { live, parts, retracked });
  if (!visits.plan(onlyFolders) || !(await visits.walk())) return null;
  if (visits.part.counts.mountPoints > 0) return null;

  const graft = graftPart(base.tree, live.ignored.fork(parts.book), visits);
  const rest = withoutFolders(live, parts.book, { tree: base.tree, folders: visits.replacedFolders() });
  rest.ledger.merge(visits.part.ledger);
  rest.counts.add(visits.part.counts);
  const { tree, ignored, readFolders, goneFolders, changed } = graft;
  const { pace, now, settings, book } = parts;
  await measureIgnored(tree, ignored, { rootPath: settings.rootPath, nowMs: now(), pace });
  const dirty = Uint32Array.from(visits.part.dirty, (row) => row + graft.rowOffset);
  const problems = [...rest.problems, ...visits.part.problems];
  const doubtful = new Set([...live.doubtful, ...book.doubtful]);
  // Known by this object alone: a tree written in pieces is never saved.
  const memory = new Uint8Array(0);
  keepLiveScan(memory, {
    bookHash: book.hash,
    tracked: options.tracked,
    ignored,
    ledger: rest.ledger,
    problems,
    counts: rest.counts,
    doubtful,
    dirty,
  });
  return {
    tree,
    dirty,
    changed,
    ledger: drawLedger(tree, ignored, rest.ledger),
    problems,
    notices: scanNotices(rest.counts, doubtful),
    startedAtMs: parts.startedAtMs,
    memory,
    part: { readFolders, goneFolders },
  };
}

/** Paths git tracks since then, or no longer; null when they are too many. Git writes its index often without any. */
function trackedAnew(before: ScanOptions['tracked'], now: ScanOptions['tracked']): readonly ByteString[] | null {
  if (before?.signature === now?.signature) return [];
  if (before === null || now === null) return null;
  return now.load().changedSince(before.load(), foldersMax);
}
