import { readStatus } from '../../engine/read-status.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Intent } from '../state/actions.ts';
import { type IntentContext, resultOf } from './intent-context.ts';
import { planRollback, rollBack } from './roll-back.ts';
import { restore } from './restore.ts';
import { drill, setPinned, snapshot, verify } from './work.ts';
import { readChanges, readDiff, readFileRows, readVersionDiff } from './read-changes.ts';
import { pause, readPoints } from './read-points.ts';
import { findByName, readFolder, readVersions } from './read-files.ts';

/** Does one piece of work; what comes of it is dispatched. Throws only what `signal` asks for, and bugs. */
export async function runIntent(context: IntentContext, intent: Intent, signal: AbortSignal): Promise<void> {
  const { dispatch } = context;
  switch (intent.type) {
    case 'read_points':
      return readPoints(context, signal);
    case 'read_status':
      return dispatch({ type: 'status_read', status: await readStatus(context.deps, { signal, pause }) });
    case 'read_when':
      return dispatch({ type: 'when_read', query: intent.query, time: await context.services.parseWhen(intent.query) });
    case 'read_changes': {
      const result = await resultOf(signal, async () => readChanges(context, intent, signal));
      return dispatch({ type: 'changes_read', id: intent.point.record.id, against: intent.against, result });
    }
    case 'read_diff':
      return dispatch({
        type: 'diff_read',
        path: intent.change.path,
        result: await resultOf(signal, async () => readDiff(context, intent, signal)),
      });
    case 'read_version':
      return dispatch({
        type: 'diff_read',
        path: intent.path,
        result: await resultOf(signal, async () => readVersionDiff(context, intent, signal)),
      });
    case 'read_file':
      return dispatch({
        type: 'diff_read',
        path: intent.path,
        result: await resultOf(signal, async () => readFileRows(context, intent, signal)),
      });
    case 'read_folder':
      return dispatch({
        type: 'folder_read',
        path: intent.path,
        result: await resultOf(signal, async () => readFolder(context, intent, signal)),
      });
    case 'read_versions':
      return dispatch({
        type: 'versions_read',
        path: intent.path,
        result: await resultOf(signal, async () => readVersions(context, intent.path, signal)),
      });
    case 'find_files':
      return dispatch({
        type: 'files_found',
        query: intent.query,
        result: await resultOf(signal, async () => findByName(context, intent.query, signal)),
      });
    case 'plan_rollback':
      return dispatch({
        type: 'plan_read',
        id: intent.point.record.id,
        result: await resultOf(signal, async () => planRollback(context, intent.point, signal)),
      });
    case 'restore':
      return restore(context, intent, signal);
    case 'snapshot':
      return snapshot(context, intent.label, signal);
    case 'set_pin':
      return setPinned(context, intent, signal);
    case 'verify':
      return verify(context, signal);
    case 'drill':
      return drill(context, intent.id, signal);
    case 'rollback':
      return rollBack(context, intent, signal);
    case 'open_folder':
      return context.services.openFolder(intent.directory);
    case 'stop_view':
    case 'stop_job':
      return undefined;
    default:
      return assertNever(intent);
  }
}
