import { displayName, displayText } from '../../format/display-name.ts';
import type { Step, Work } from './actions.ts';
import type { AppState } from './app-state.ts';

/** Starts long work, when none is under way, and names the command that does the same. */
export function startWork(state: AppState, work: Work): Step {
  if (state.job !== null) {
    const text = `${state.job.name} is under way; x stops it`;
    return { state: { ...state, message: { text, tone: 'warn', command: '' } }, intents: [] };
  }
  const { name, command } = namesOf(work);
  const job = { name, command, startedMs: state.nowMs, phase: '', done: 0, total: null, unit: '', isStopping: false };
  return { state: { ...state, job, message: null }, intents: [work] };
}

function namesOf(work: Work): { name: string; command: string } {
  switch (work.type) {
    case 'restore': {
      const what = work.path === null ? '--all' : quoted(displayName(work.path));
      return { name: 'restore', command: `holdfast restore ${what} ${work.id}` };
    }
    case 'snapshot':
      return {
        name: 'snapshot',
        command: work.label === '' ? 'holdfast snapshot' : `holdfast snapshot ${quoted(displayText(work.label))}`,
      };
    case 'set_pin':
      return { name: work.pinned ? 'pin' : 'unpin', command: `holdfast ${work.pinned ? 'pin' : 'unpin'} ${work.id}` };
    case 'verify':
      return { name: 'verify', command: 'holdfast verify' };
    case 'drill':
      return { name: 'drill', command: `holdfast drill ${work.id}` };
    case 'rollback':
      return {
        name: 'rollback',
        command: `holdfast rollback ${work.point.record.id} --apply --confirm-label=${quoted(displayText(work.label))}`,
      };
  }
}

/** Single quotes wherever a shell would do something of its own. */
function quoted(text: string): string {
  return /^[\w./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
