import { lstatSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openProgramRunner } from '../adapters/process/open-program-runner.ts';
import { configHomeOf, openServiceManager } from '../adapters/service/open-service-manager.ts';
import { createRedactor } from '../format/redact.ts';
import { formatStoreUrl } from '../format/store-url.ts';
import { HoldfastError } from '../model/errors.ts';
import type { ServiceManager, ServiceSpec } from '../ports/service-manager.ts';
import type { Config } from './config.ts';
import type { Host } from './host.ts';

/** Everything `holdfast service` works with. */
export interface VaultService {
  readonly manager: ServiceManager;
  readonly spec: ServiceSpec;
  /** The file credentials are read from when the service starts; need not be there. */
  readonly environmentFile: string;
  /** True when others can read that file. */
  readonly isEnvironmentFileOpen: boolean;
}

/** What is no secret and decides where holdfast finds its things. Secrets go into the environment file. */
const keptVariables = [
  'PATH',
  'XDG_DATA_HOME',
  'HOLDFAST_MACHINE',
  'HOLDFAST_KEY_FILE',
  'HOLDFAST_KEY_COMMAND',
  'AWS_PROFILE',
  'AWS_REGION',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
];

/** Works out the service of one vault on this machine; changes nothing. */
export function openVaultService(config: Config, host: Host, vaultId: string): VaultService {
  if (host.home === '') {
    throw new HoldfastError('directory_unusable', 'There is no home folder to install a service for.', {
      hint: 'Set HOME to a folder of yours.',
    });
  }
  const { username, uid } = userInfo();
  const domain = host.env['USERDOMAIN'];
  const manager = openServiceManager({
    platform: host.platform,
    env: host.env,
    home: host.home,
    uid,
    user: domain === undefined ? username : `${domain}\\${username}`,
    dataRoot: config.dataRoot,
    programs: openProgramRunner({ env: host.env, redact: createRedactor(host.env) }),
  });
  const environmentFile = join(configHomeOf(host), 'holdfast', `${vaultId}.env`);
  const program = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
  // A store named for this run alone is the one the service was asked for with.
  const store =
    config.storeFrom === 'flag' || config.storeFrom === 'environment' ? ['--store', formatStoreUrl(config.store)] : [];
  return {
    manager,
    environmentFile,
    isEnvironmentFileOpen: isOpenToOthers(environmentFile, host.platform),
    spec: {
      id: vaultId,
      vaultName: config.vaultName,
      // Read by Node.js itself on every system, so that no service file ever holds a secret.
      words: [
        process.execPath,
        `--env-file-if-exists=${environmentFile}`,
        program,
        'watch',
        '--vault',
        config.vaultRoot,
        ...store,
        ...(config.insecure ? ['--insecure'] : []),
        ...(config.keyFile === null ? [] : ['--key-file', config.keyFile]),
        ...(config.keyCommand === null ? [] : ['--key-command', config.keyCommand]),
      ],
      env: Object.fromEntries(
        keptVariables.flatMap((name): [string, string][] => {
          const value = host.env[name] ?? '';
          return value === '' ? [] : [[name, value]];
        }),
      ),
    },
  };
}

function isOpenToOthers(path: string, platform: NodeJS.Platform): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return platform !== 'win32' && stat !== undefined && (stat.mode & 0o077) !== 0;
}
