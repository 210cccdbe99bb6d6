import { join } from 'node:path';
import type { ProgramEnd, ProgramRunner } from '../../ports/program-runner.ts';
import type { ServiceManager } from '../../ports/service-manager.ts';
import { scheduledTask } from './scheduled-task.ts';
import { hasServiceFile, removeServiceFile, serviceUnavailable, toolMs, writeServiceFile } from './service-files.ts';

/** Opens the Task Scheduler of Windows. The task's file is kept in `dataRoot`, for looking at and for `schtasks` to read. */
export function openTaskScheduler(options: {
  readonly programs: ProgramRunner;
  readonly dataRoot: string;
  /** `DOMAIN\name`. */
  readonly user: string;
}): ServiceManager {
  const { programs, user } = options;
  const taskOf = (id: string): string => `holdfast\\${id}`;
  const pathOf = (id: string): string => join(options.dataRoot, 'services', `${id}.xml`);
  const schtasks = (...words: string[]): Promise<ProgramEnd> => {
    return programs.run({ words: ['schtasks.exe', ...words], cwd: options.dataRoot, timeoutMs: toolMs });
  };
  return {
    name: 'task-scheduler',
    file: (spec) => ({ path: pathOf(spec.id), text: scheduledTask(spec, { user }) }),
    async install(spec) {
      const path = pathOf(spec.id);
      // As the declaration of the file says, with the mark that Windows tells it by.
      writeServiceFile(path, Buffer.from(`\ufeff${scheduledTask(spec, { user })}`, 'utf16le'));
      const created = await schtasks('/Create', '/TN', taskOf(spec.id), '/XML', path, '/F');
      const hint = `The file is written. Import it by hand in the Task Scheduler: ${path}`;
      if (created.kind !== 'done') throw serviceUnavailable('schtasks', created, hint);
      await schtasks('/End', '/TN', taskOf(spec.id));
      const started = await schtasks('/Run', '/TN', taskOf(spec.id));
      if (started.kind !== 'done') throw serviceUnavailable('schtasks', started, 'It starts at the next login.');
    },
    async uninstall(id) {
      await schtasks('/End', '/TN', taskOf(id));
      const deleted = await schtasks('/Delete', '/TN', taskOf(id), '/F');
      return removeServiceFile(pathOf(id)) || deleted.kind === 'done';
    },
    async state(id) {
      const end = await schtasks('/Query', '/TN', taskOf(id), '/FO', 'CSV', '/NH');
      const isKnown = end.kind === 'done';
      // The words are those of the system's language, so they are only shown.
      const detail = isKnown ? end.output.trim() : 'no task of this vault';
      return {
        isInstalled: hasServiceFile(pathOf(id)) && isKnown,
        isRunning: isKnown && /running/i.test(detail),
        detail,
      };
    },
    logs: async () => 'The Task Scheduler keeps no output; see: holdfast status\n',
  };
}
