/** Says how a person lets the system watch more folders; '' where we know of no way. */
export function remedyFor(code: string, platform: NodeJS.Platform): string {
  if (platform !== 'linux') return '';
  if (code === 'ENOSPC') return 'sudo sysctl fs.inotify.max_user_watches=1048576';
  if (code === 'EMFILE') return 'sudo sysctl fs.inotify.max_user_instances=1024';
  return '';
}
