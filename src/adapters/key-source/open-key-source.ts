import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { parseRawKey, parsePassphrase, parseSecret } from '../../format/key-secret.ts';
import { splitWords } from '../../lib/split-words.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Notice } from '../../model/problem.ts';
import type { KeySecret } from '../../model/store-keys.ts';
import { systemCode } from '../fs/map-fs-error.ts';

/** Where a person's key may be. The first that is given counts; a key itself is never an argument of a program. */
export interface KeyPlaces {
  /** Absolute path. */
  readonly file: string | null;
  /** A program and its arguments, as one would type them; no shell reads them. */
  readonly command: string | null;
  /** Environment variables that hold 64 hex digits, in order. */
  readonly rawVariables: readonly (readonly [name: string, value: string])[];
  readonly passphraseVariable: readonly [name: string, value: string] | null;
}

const secretBytesMax = 4096;
const commandMsMax = 120_000;

/**
 * Reads the person's key from where they say it is; null when they do not say. `onNotice` hears of a key file that others
 * can read (A04).
 * @throws {HoldfastError} `key_missing`, `key_invalid`
 */
export async function readKey(places: KeyPlaces, onNotice: (notice: Notice) => void): Promise<KeySecret | null> {
  if (places.file !== null) return parseSecret(readKeyFile(places.file, onNotice), 'The key file');
  if (places.command !== null) return parseSecret(await runKeyCommand(places.command), 'The answer of the key command');
  const [raw] = places.rawVariables;
  if (raw !== undefined) return parseRawKey(raw[1], raw[0]);
  const passphrase = places.passphraseVariable;
  return passphrase === null ? null : parsePassphrase(passphrase[1], passphrase[0]);
}

function readKeyFile(path: string, onNotice: (notice: Notice) => void): string {
  let fd: number;
  try {
    // A pipe is fine: that is what a shell's <(...) gives.
    fd = openSync(path, constants.O_RDONLY);
  } catch (error) {
    throw missingFile(path, systemCode(error));
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory() || stat.size > secretBytesMax) throw missingFile(path, 'it is no file of one line');
    if (process.platform !== 'win32' && stat.isFile() && (stat.mode & 0o077) !== 0) {
      onNotice({
        code: 'key_file_open',
        message: `the key file ${JSON.stringify(path)} can be read by others: chmod 600 it`,
      });
    }
    const text = readFileSync(fd, 'utf8');
    if (text.length <= secretBytesMax) return text;
    throw missingFile(path, 'it is no file of one line');
  } finally {
    closeSync(fd);
  }
}

function missingFile(path: string, reason: string): HoldfastError {
  return new HoldfastError('key_missing', `Cannot read the key file ${JSON.stringify(path)}: ${reason}.`, {
    hint: 'Name another with --key-file, or bring it back. The recovery key opens the store, too.',
  });
}

async function runKeyCommand(command: string): Promise<string> {
  const words = splitWords(command);
  if (words === null) throw failedCommand('it cannot be split into words');
  const [program, ...args] = words as [string, ...string[]];
  // It may ask on the terminal; only what it prints is taken.
  const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'inherit'], timeout: commandMsMax });
  const pieces: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (piece: Buffer) => {
    size += piece.length;
    if (size <= secretBytesMax) pieces.push(piece);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('error', (error) => reject(failedCommand(systemCode(error))));
  child.once('close', (code, signal) => {
    if (code === 0 && size <= secretBytesMax) resolve();
    else reject(failedCommand(code === 0 ? 'it printed too much' : `it ended with ${code ?? signal}`));
  });
  await promise;
  return Buffer.concat(pieces).toString('utf8');
}

function failedCommand(reason: string): HoldfastError {
  return new HoldfastError('key_missing', `The key command gave no key: ${reason}.`, {
    hint: 'Run it by hand to see why; it must print the passphrase or 64 hex digits, and nothing else.',
  });
}
