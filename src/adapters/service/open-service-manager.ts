import { join } from 'node:path';
import type { ProgramRunner } from '../../ports/program-runner.ts';
import type { ServiceManager } from '../../ports/service-manager.ts';
import { openLaunchd } from './launchd.ts';
import { openSystemd } from './systemd.ts';
import { openTaskScheduler } from './task-scheduler.ts';

export interface ServiceHost {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly uid: number;
  /** Name of the user, on Windows with the domain. */
  readonly user: string;
  readonly dataRoot: string;
  readonly programs: ProgramRunner;
}

/** Opens what keeps programs running on this system. */
export function openServiceManager(host: ServiceHost): ServiceManager {
  const { programs, home } = host;
  if (host.platform === 'darwin') return openLaunchd({ programs, home, uid: host.uid });
  if (host.platform === 'win32') return openTaskScheduler({ programs, dataRoot: host.dataRoot, user: host.user });
  return openSystemd({ programs, configHome: configHomeOf(host) });
}

/** Where this user's settings of programs lie. */
export function configHomeOf({ env, home }: Pick<ServiceHost, 'env' | 'home'>): string {
  const named = env['XDG_CONFIG_HOME'] ?? '';
  return named.startsWith('/') ? named : join(home, '.config');
}
