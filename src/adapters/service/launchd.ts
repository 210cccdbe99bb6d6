import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgramEnd, ProgramRunner } from '../../ports/program-runner.ts';
import type { ServiceManager, ServiceSpec } from '../../ports/service-manager.ts';
import { launchdPlist } from './launchd-plist.ts';
import {
  hasServiceFile,
  removeServiceFile,
  saidBy,
  serviceUnavailable,
  toolMs,
  writeServiceFile,
} from './service-files.ts';

/** Opens launchd for one user's session. */
export function openLaunchd(options: {
  readonly programs: ProgramRunner;
  readonly home: string;
  readonly uid: number;
}): ServiceManager {
  const { programs, home } = options;
  const domain = `gui/${options.uid}`;
  const labelOf = (id: string): string => `dev.holdfast.watch.${id}`;
  const pathOf = (id: string): string => join(home, 'Library', 'LaunchAgents', `${labelOf(id)}.plist`);
  const logOf = (id: string): string => join(home, 'Library', 'Logs', `holdfast-${id}.log`);
  const textOf = (spec: ServiceSpec): string => {
    return launchdPlist(spec, { label: labelOf(spec.id), logFile: logOf(spec.id) });
  };
  const launchctl = (...words: string[]): Promise<ProgramEnd> => {
    return programs.run({ words: ['/bin/launchctl', ...words], cwd: '/', timeoutMs: toolMs });
  };
  return {
    name: 'launchd',
    file: (spec) => ({ path: pathOf(spec.id), text: textOf(spec) }),
    async install(spec) {
      const path = pathOf(spec.id);
      writeServiceFile(path, Buffer.from(textOf(spec)));
      // One that is loaded already must be taken out first; one that is not is no trouble.
      await launchctl('bootout', `${domain}/${labelOf(spec.id)}`);
      const end = await launchctl('bootstrap', domain, path);
      const hint = `The file is written. From a session on the desktop run: launchctl bootstrap ${domain} '${path}'`;
      if (end.kind !== 'done') throw serviceUnavailable('launchctl', end, hint);
    },
    async uninstall(id) {
      await launchctl('bootout', `${domain}/${labelOf(id)}`);
      return removeServiceFile(pathOf(id));
    },
    async state(id) {
      const isInstalled = hasServiceFile(pathOf(id));
      const end = await launchctl('print', `${domain}/${labelOf(id)}`);
      if (end.kind !== 'done') return { isInstalled, isRunning: false, detail: `launchctl: ${saidBy(end)}` };
      const state = /^\s*state = (.+)$/m.exec(end.output)?.[1] ?? 'unknown';
      return { isInstalled, isRunning: state === 'running', detail: state };
    },
    async logs(id, lines) {
      try {
        return `${readFileSync(logOf(id), 'utf8').trimEnd().split('\n').slice(-lines).join('\n')}\n`;
      } catch {
        return `there is no log in ${logOf(id)} yet\n`;
      }
    },
  };
}
