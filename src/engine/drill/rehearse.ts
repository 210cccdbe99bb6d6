import { formatCounted } from '../../format/size.ts';
import { displayName } from '../../format/display-name.ts';
import type { ByteString } from '../../lib/bytes.ts';
import type { DrillComponentResult } from '../../model/drill-report.ts';
import type { Rehearsal } from '../../ports/rehearsal.ts';
import type { Deps } from '../deps.ts';
import { planRestore, type RestorePlan } from '../restore-plan.ts';
import { restoreSnapshot } from '../restore.ts';
import { checkHistory } from './check-history.ts';
import { compareRestoredFolder, type Comparison } from './compare-restored-folder.ts';
import type { DrillOptions, Rehearsed } from './drill.ts';

/** Restores with holdfast itself, then looks at what is on the disk. */
export async function rehearse(deps: Deps, options: DrillOptions): Promise<Rehearsed> {
  const { point, opened, signal } = options;
  const startedMs = deps.clock.monotonicMs();
  const restored = await restoreSnapshot(deps, {
    point,
    reader: opened.reader,
    paths: null,
    isRehearsal: true,
    signal,
  });
  const restoreMs = deps.clock.monotonicMs() - startedMs;
  const directory = restored.directory!;
  const components = options.skipValidation ? [] : await validate(deps, options, { directory, folder: directory });
  return { directory, components, files: restored.files, sizeBytes: restored.sizeBytes, restoreMs };
}

/** Compares the restored `folder` with the snapshot, by the components asked for; databases come last, since SQLite may write. */
export async function validate(
  deps: Deps,
  options: DrillOptions,
  at: { readonly folder: string; readonly directory: string },
): Promise<readonly DrillComponentResult[]> {
  const { rehearsal } = deps;
  const { point, opened, signal } = options;
  const wanted = new Set(options.components);
  const results: DrillComponentResult[] = [];
  deps.events.emit({ type: 'phase_started', phase: 'compare' });
  const plan = await planRestore(opened.reader, {
    tree: point.record.tree,
    metadata: point.record.metadata,
    paths: null,
    signal,
  });
  if (wanted.has('files') || wanted.has('metadata')) {
    const compared = await compareRestoredFolder(rehearsal.open(at.folder), plan, {
      reader: opened.reader,
      signal,
      pause: async (done, total) => {
        deps.events.emit({ type: 'progress', phase: 'compare', done, total, unit: 'files' });
        await deps.clock.sleep(0, signal);
      },
    });
    if (wanted.has('files')) results.push(filesResult(compared.files, plan));
    if (wanted.has('metadata')) results.push(comparisonResult('metadata', compared.metadata, 'times and permissions'));
  }
  if (wanted.has('history')) results.push(await checkHistory(opened.reader, point, { signal }));
  if (wanted.has('database')) results.push(checkDatabases(plan, rehearsal, at.folder));
  return results;
}

/** Paths that the store could not even name are differences too. */
function filesResult(files: Comparison, plan: RestorePlan): DrillComponentResult {
  const lost = plan.problems.map(({ path, message }) => `${displayName(path)}: ${displayName(message)}`);
  return comparisonResult(
    'files',
    {
      checked: files.checked + lost.length,
      different: files.different + lost.length,
      examples: [...lost, ...files.examples].slice(0, 5),
    },
    'every byte',
  );
}

function comparisonResult(component: 'files' | 'metadata', comparison: Comparison, what: string): DrillComponentResult {
  const { checked, different, examples } = comparison;
  if (different === 0) return { component, outcome: 'passed', checked, detail: `${what} as in the snapshot` };
  const detail = `${formatCounted(different, 'difference')}: ${examples.join('; ')}`;
  return { component, outcome: 'failed', checked, detail };
}

const databaseName = /\.(?:sqlite3?|db3?|s3db|sl3)$/i;
const examplesMax = 3;

function checkDatabases(plan: RestorePlan, rehearsal: Rehearsal, folder: string): DrillComponentResult {
  const component = 'database';
  const damaged: string[] = [];
  let checked = 0;
  for (const path of databasePaths(plan)) {
    const verdict = rehearsal.checkDatabase(folder, path);
    if (verdict.kind === 'none') continue;
    checked++;
    if (verdict.kind === 'damaged') damaged.push(`${displayName(path)}: ${displayName(verdict.reason)}`);
  }
  if (checked === 0) return { component, outcome: 'none', checked, detail: 'the snapshot has no SQLite database' };
  if (damaged.length === 0) return { component, outcome: 'passed', checked, detail: 'SQLite finds each of them whole' };
  const detail = `${formatCounted(damaged.length, 'damaged database')}: ${damaged.slice(0, examplesMax).join('; ')}`;
  return { component, outcome: 'failed', checked, detail };
}

function* databasePaths({ files, folders, chunked }: RestorePlan): Generator<ByteString> {
  for (let row = 0; row < files.count; row++) {
    const name = files.names[row]!;
    if (!databaseName.test(name)) continue;
    const { path } = folders[files.folders[row]!]!;
    yield path === '' ? name : `${path}/${name}`;
  }
  for (const { path } of chunked) if (databaseName.test(path)) yield path;
}
