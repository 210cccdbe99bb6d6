import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { HoldfastError } from '../../model/errors.ts';
import type { ProgramEnd } from '../../ports/program-runner.ts';
import { writeFileDurably } from '../fs/durable-write.ts';
import { makeFolders } from '../fs/make-folders.ts';
import { mapFsError, systemCode } from '../fs/map-fs-error.ts';

/** A system's tools that take longer than this hang. */
export const toolMs = 30_000;

export function writeServiceFile(path: string, bytes: Uint8Array): void {
  try {
    makeFolders(dirname(path), 0o700);
    writeFileDurably(path, bytes, 0o644);
  } catch (error) {
    throw mapFsError(error, `write the service file ${JSON.stringify(path)}`);
  }
}

/** Removes a file; false when there was none. */
export function removeServiceFile(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw mapFsError(error, `remove the service file ${JSON.stringify(path)}`);
  }
}

export function hasServiceFile(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw mapFsError(error, `read the service file ${JSON.stringify(path)}`);
  }
}

/** What the system said, fit for a message. */
export function saidBy(end: ProgramEnd): string {
  const said = end.output.trim().split('\n').at(-1) ?? '';
  if (said !== '') return said.replace(/\.$/, '');
  return end.kind === 'not_started'
    ? `it cannot be started (${end.reason ?? '?'})`
    : `it ended with code ${end.exitCode ?? '?'}`;
}

export function serviceUnavailable(tool: string, end: ProgramEnd, hint: string): HoldfastError {
  return new HoldfastError('service_unavailable', `${tool} cannot start the service: ${saidBy(end)}.`, { hint });
}
