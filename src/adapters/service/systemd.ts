import { join } from 'node:path';
import type { ProgramEnd, ProgramRunner } from '../../ports/program-runner.ts';
import type { ServiceManager } from '../../ports/service-manager.ts';
import {
  hasServiceFile,
  removeServiceFile,
  saidBy,
  serviceUnavailable,
  toolMs,
  writeServiceFile,
} from './service-files.ts';
import { systemdUnit } from './systemd-unit.ts';

/** Opens systemd's user manager; units lie in `configHome`/systemd/user. */
export function openSystemd(options: {
  readonly programs: ProgramRunner;
  readonly configHome: string;
}): ServiceManager {
  const { programs } = options;
  const folder = join(options.configHome, 'systemd', 'user');
  const unitOf = (id: string): string => `holdfast-${id}.service`;
  const pathOf = (id: string): string => join(folder, unitOf(id));
  const run = (...words: string[]): Promise<ProgramEnd> => programs.run({ words, cwd: '/', timeoutMs: toolMs });
  const systemctl = (...words: string[]): Promise<ProgramEnd> =>
    run('systemctl', '--user', '--no-ask-password', ...words);

  return {
    name: 'systemd',
    file: (spec) => ({ path: pathOf(spec.id), text: systemdUnit(spec) }),
    async install(spec) {
      const unit = unitOf(spec.id);
      writeServiceFile(pathOf(spec.id), Buffer.from(systemdUnit(spec)));
      for (const words of [['daemon-reload'], ['enable', unit], ['restart', unit]]) {
        const end = await systemctl(...words);
        if (end.kind !== 'done') throw serviceUnavailable('systemctl --user', end, hintFor(unit));
      }
    },
    async uninstall(id) {
      // A unit that is not loaded, or a manager that does not run: what counts is that nothing is left to be started.
      await systemctl('disable', '--now', unitOf(id));
      removeServiceFile(join(folder, 'default.target.wants', unitOf(id)));
      const wasThere = removeServiceFile(pathOf(id));
      if (wasThere) await systemctl('daemon-reload');
      return wasThere;
    },
    async state(id) {
      const isInstalled = hasServiceFile(pathOf(id));
      const end = await systemctl('show', '--property=ActiveState,SubState,UnitFileState,NRestarts', unitOf(id));
      if (end.kind !== 'done') return { isInstalled, isRunning: false, detail: `systemctl --user: ${saidBy(end)}` };
      const values = Object.fromEntries(
        end.output
          .trim()
          .split('\n')
          .map((line) => line.split('=', 2)),
      );
      const {
        ActiveState: active = '',
        SubState: sub = '',
        UnitFileState: file = '',
        NRestarts: restarts = '0',
      } = values;
      const detail = `${active} (${sub}), ${file === '' ? 'not enabled' : file}, ${restarts} restarts`;
      return { isInstalled, isRunning: active === 'active', detail };
    },
    async logs(id, lines) {
      const end = await run(
        'journalctl',
        '--user',
        '--no-pager',
        '--output=short-iso',
        `--lines=${lines}`,
        `--unit=${unitOf(id)}`,
      );
      return end.kind === 'done' ? end.output : `journalctl: ${saidBy(end)}\n`;
    },
  };
}

function hintFor(unit: string): string {
  return [
    'The unit file is written. Log in to a session of your own (not through su or sudo) and run:',
    `systemctl --user daemon-reload && systemctl --user enable --now ${unit}`,
    'On a server without a login session, first: loginctl enable-linger',
  ].join('\n');
}
