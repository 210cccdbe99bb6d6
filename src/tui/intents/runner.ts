import type { Intent } from '../state/actions.ts';
import { failureOf, type IntentContext } from './intent-context.ts';
import { runIntent } from './run-intent.ts';

/** Starts and stops work. Of one slot only one piece runs: what is asked for later replaces what was asked for before. */
export interface Runner {
  start(intent: Intent): void;
  /** Stops everything and waits until it has come to a safe end. */
  close(): Promise<void>;
}

type Slot = 'points' | 'status' | 'when' | 'view' | 'side' | 'job' | 'free';

const slots: Readonly<Record<Intent['type'], Slot>> = {
  read_points: 'points',
  read_status: 'status',
  read_when: 'when',
  read_changes: 'view',
  read_folder: 'view',
  read_versions: 'view',
  find_files: 'view',
  plan_rollback: 'view',
  read_diff: 'side',
  read_version: 'side',
  read_file: 'side',
  restore: 'job',
  snapshot: 'job',
  set_pin: 'job',
  verify: 'job',
  drill: 'job',
  rollback: 'job',
  open_folder: 'free',
  stop_view: 'view',
  stop_job: 'job',
};

export function createRunner(context: IntentContext): Runner {
  const running = new Map<Slot, AbortController>();
  const all = new Set<Promise<void>>();

  const run = async (intent: Intent, slot: Slot, controller: AbortController): Promise<void> => {
    try {
      await runIntent(context, intent, controller.signal);
    } catch (error) {
      if (controller.signal.aborted) {
        if (slot === 'job') context.dispatch({ type: 'stopped' });
      } else {
        const { message, hint } = failureOf(error);
        const told = { text: message, tone: 'bad', command: hint } as const;
        context.dispatch(
          slot === 'job' ? { type: 'job_done', message: told, outcome: null } : { type: 'told', message: told },
        );
      }
    } finally {
      if (running.get(slot) === controller) running.delete(slot);
    }
  };

  return {
    start(intent) {
      const slot = slots[intent.type];
      if (slot !== 'free') running.get(slot)?.abort();
      if (intent.type === 'stop_view') running.get('side')?.abort();
      if (intent.type === 'stop_view' || intent.type === 'stop_job') return;
      const controller = new AbortController();
      running.set(slot, controller);
      const work = run(intent, slot, controller);
      all.add(work);
      void work.finally(() => all.delete(work));
    },
    async close() {
      for (const controller of running.values()) controller.abort();
      await Promise.allSettled(all);
    },
  };
}
