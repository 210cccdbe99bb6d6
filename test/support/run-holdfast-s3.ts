import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { bytesBody } from '../contracts/object-storage.contract.ts';
import { openStorage } from '../../src/adapters/storage/open-storage.ts';
import { systemClock, systemRandom } from '../../src/adapters/system/system-clock.ts';
import type { ObjectStorage } from '../../src/ports/object-storage.ts';
import type { S3Server } from './s3-server/start-s3-server.ts';

const launcher = resolve(import.meta.dirname, '../../bin/holdfast.js');
const program = resolve(import.meta.dirname, '../../dist/main.js');

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Where a holdfast of a test runs: a machine with nothing on it but what is said here. */
export interface HoldfastPlace {
  readonly vault: string;
  readonly home: string;
  /** For every command, as `--store`; the embedded store without it. */
  readonly store?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface HoldfastRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Standard output as it came. */
  readonly bytes: Buffer;
  /** The lines of `--json`. */
  readonly lines: readonly Record<string, unknown>[];
  /** The last of them. */
  readonly result: Record<string, unknown>;
}

/**
 * Runs the built program in a process of its own. Never blocks this one: the S3 server it talks to may live here.
 * With `--json` among the words, `lines` and `result` are filled.
 */
export async function runHoldfast(
  place: HoldfastPlace,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly nodeFlags?: readonly string[] } = {},
): Promise<HoldfastRun> {
  if (!existsSync(program)) throw new Error('The program is not built: run `npm run build` first.');
  const words = place.store === undefined ? args : [...args, '--store', place.store];
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), launcher, ...words], {
    cwd: place.vault,
    env: {
      PATH: process.env['PATH'],
      HOME: place.home,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      AWS_EC2_METADATA_DISABLED: 'true',
      ...place.env,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  const bytes = Buffer.concat(out);
  const lines = args.includes('--json') ? linesOf(bytes.toString()) : [];
  const result = lines.at(-1) ?? {};
  return { code, bytes, out: bytes.toString(), err: Buffer.concat(err).toString(), lines, result };
}

export function credentialsEnv({ accessKeyId, secretAccessKey }: Credentials): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** Copies every object of a store to a disk, as `aws s3 cp --recursive` would: the keys as they are, colons included. */
export async function copyStore(url: string, credentials: Credentials, to: string): Promise<void> {
  await using storage = await openTestStorage(url, credentials);
  for await (const { key } of storage.list('')) {
    mkdirSync(dirname(join(to, key)), { recursive: true });
    writeFileSync(join(to, key), await storage.get(key));
  }
}

/** Puts an object into a store from outside, as somebody with the keys could. */
export async function putForeign(url: string, server: S3Server, key: string, bytes: Uint8Array): Promise<void> {
  await using storage = await openTestStorage(url, server.credentials);
  await storage.put(key, bytesBody(bytes));
}

async function openTestStorage(url: string, credentials: Credentials): Promise<ObjectStorage> {
  return openStorage(url, { clock: systemClock, random: systemRandom, credentials });
}

function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
