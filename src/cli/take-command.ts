import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { type ByteString, byteStringOfText, bytesOf } from '../lib/bytes.ts';
import type { Change } from '../model/change.ts';
import { shellQuote } from './shell-quote.ts';

export interface Restored {
  /** Absolute path of the new folder. */
  readonly from: string;
  readonly vaultRoot: string;
  /** Our own log, which must never be set back: what happened since is written nowhere else. */
  readonly logFolder: ByteString;
  /** What was restored; null for everything. */
  readonly path: ByteString | null;
  /** How the vault differs from it. */
  readonly changes: readonly Change[];
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
}

/** More names than this make no command a person would paste. */
const namesMax = 6;

/**
 * Makes the command that takes a restore into the vault, to be pasted: it merges folders into what is there and keeps permissions
 * and times. Null when there is no short one, or none that is safe: `cp` writes through a link that stands where a file belongs.
 */
export function takeCommand(restored: Restored): string | null {
  const { path, changes, platform } = restored;
  if (changes.some(({ kind, before }) => kind === 'type' && before.kind === 'link')) return null;
  const quote = (bytes: ByteString): string => shellQuote(bytes, platform);
  const copy = platform === 'win32' ? 'Copy-Item -Recurse -Force' : 'cp -pR';
  if (path === null) {
    const names = topNames(restored);
    if (names.length === 0 || names.length > namesMax) return null;
    return `${copy} ${names.map((name) => quote(from(restored, name))).join(' ')} ${quote(live(restored, ''))}`;
  }
  const parent = path.slice(0, path.lastIndexOf('/') + 1);
  // A file is named in full, so that the command says what it replaces; a folder is put beside what it merges with.
  const [only] = changes;
  const isFile = changes.length === 1 && only!.path === path;
  const target = quote(live(restored, isFile ? path : parent));
  return `${makeFolder(restored, parent)}${copy} ${quote(from(restored, path))} ${target}`;
}

/** What lies at the top of the vault and differs, without the folder that holds our log. */
function topNames({ changes, logFolder }: Restored): ByteString[] {
  const own = logFolder.split('/')[0];
  const names = new Set(changes.map(({ path }) => path.split('/')[0]!));
  return [...names].filter((name) => name !== own);
}

function makeFolder(restored: Restored, parent: ByteString): string {
  if (parent === '' || restored.platform === 'win32') return '';
  const path = bytesOf(`${byteStringOfText(restored.vaultRoot)}/${parent}`);
  return existsSync(path) ? '' : `mkdir -p ${shellQuote(live(restored, parent), restored.platform)} && `;
}

function from(restored: Restored, path: ByteString): ByteString {
  return `${shown(restored, restored.from)}/${path}`;
}

function live(restored: Restored, path: ByteString): ByteString {
  const root = shown(restored, restored.vaultRoot);
  if (root !== '') return `${root}/${path}`;
  // A name that begins with a dash would be read as a flag.
  return path === '' || path.startsWith('-') ? `./${path}` : path;
}

/** A path relative to the current folder, with slashes. */
function shown({ cwd, platform }: Restored, path: string): ByteString {
  const shortest = relative(cwd, path);
  return byteStringOfText(platform === 'win32' ? shortest.replaceAll('\\', '/') : shortest);
}
