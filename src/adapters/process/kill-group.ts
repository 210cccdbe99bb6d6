import { type ChildProcess, spawn } from 'node:child_process';
import { systemCode } from '../fs/map-fs-error.ts';

/** Sends a signal to a program and to everything it started (its process group; on Windows its tree, which always ends it). */
export function killGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  const { pid } = child;
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    spawn('taskkill.exe', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true }).on('error', () => {
      child.kill(signal);
    });
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: all of them are gone, which is what was wanted. EPERM: what is left belongs to somebody else.
    if (!['ESRCH', 'EPERM'].includes(systemCode(error))) throw error;
  }
}
