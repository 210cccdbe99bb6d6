import type { ServiceSpec } from '../../ports/service-manager.ts';

/** The unit file of a vault's watcher, for `systemd --user`. */
export function systemdUnit({ vaultName, words, env }: ServiceSpec): string {
  const lines = [
    '# Written by: holdfast service install. Taken away by: holdfast service uninstall',
    '[Unit]',
    `Description=holdfast watches ${plain(vaultName)}`,
    // Restarts go on for ever; the pauses between them grow instead.
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=simple',
    // As the program itself systemd takes no path with quotes, dollars or backslashes in it; as an argument it does.
    `ExecStart=/usr/bin/env -- ${words.map(quoteWord).join(' ')}`,
    ...Object.entries(env).map(([name, value]) => `Environment=${quote(`${name}=${value}`)}`),
    'Restart=on-failure',
    'RestartSec=10s',
    'RestartSteps=8',
    'RestartMaxDelaySec=15min',
    'TimeoutStopSec=30s',
    'UMask=0077',
    'NoNewPrivileges=yes',
    'Nice=5',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ];
  return lines.join('\n');
}

/** A word of a command line: besides what strings need, a dollar would be read as a variable. */
function quoteWord(word: string): string {
  return quote(word).replaceAll('$', '$$$$');
}

/** A string of a unit file: percent begins a specifier, backslash and quote are escaped as in C. */
function quote(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll(/[\u0000-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `"${escaped}"`;
}

function plain(text: string): string {
  // At the end of a line a backslash would take the next line in.
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\\]/gu, ' ')
    .replaceAll('%', '%%')
    .slice(0, 200);
}
