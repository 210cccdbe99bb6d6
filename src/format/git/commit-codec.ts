import { byteStringOf, bytesOf, type ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { isObjectId, type ObjectId } from '../../model/ids.ts';
import { objectCorrupt } from './corrupt.ts';

/** Who and when. */
export interface GitIdentity {
  readonly name: string;
  readonly email: string;
  /** Whole seconds since the epoch, not negative. */
  readonly timeSeconds: number;
  /** Distance from UTC: "+0000", "-0730". */
  readonly zone: string;
}

export interface CommitFields {
  readonly tree: ObjectId;
  readonly parents: readonly ObjectId[];
  readonly author: GitIdentity;
  readonly committer: GitIdentity;
  /** Bytes without NUL (UTF-8 by custom, ending in a line break). */
  readonly message: Uint8Array;
}

export interface DecodedCommit {
  readonly tree: ObjectId;
  readonly parents: readonly ObjectId[];
  /** Null where the line is malformed, as in some old histories. Bytes that are not UTF-8 read as U+FFFD. */
  readonly author: GitIdentity | null;
  readonly committer: GitIdentity | null;
  readonly message: Uint8Array;
}

/** Names who acted and when, in UTC. */
export function gitIdentity(who: { name: string; email: string }, time: Date): GitIdentity {
  return { ...who, timeSeconds: Math.max(0, Math.floor(time.getTime() / 1000)), zone: '+0000' };
}

/**
 * Encodes a commit object. What git forbids in a name or email is left out of them.
 * @throws {HoldfastError} `invariant_broken` for a message with a NUL byte, a time before 1970 or a malformed zone
 */
export function encodeCommit(commit: CommitFields): Buffer {
  if (commit.message.includes(0)) {
    throw new HoldfastError('invariant_broken', 'A commit message holds a NUL byte.');
  }
  const lines = [`tree ${commit.tree}`];
  for (const parent of commit.parents) lines.push(`parent ${parent}`);
  lines.push(`author ${identityLine(commit.author)}`, `committer ${identityLine(commit.committer)}`, '', '');
  return Buffer.concat([Buffer.from(lines.join('\n'), 'utf8'), commit.message]);
}

/**
 * Decodes a commit object. Headers holdfast does not write (signatures, encodings) are passed over.
 * @throws {HoldfastError} `object_corrupt` when the tree or a parent cannot be told
 */
export function decodeCommit(content: Uint8Array): DecodedCommit {
  const headers = new HeaderLines(content);
  const tree = headers.take('tree');
  if (!isObjectId(tree)) throw objectCorrupt('A commit object names no tree.');
  const parents: ObjectId[] = [];
  for (let parent = headers.take('parent'); parent !== null; parent = headers.take('parent')) {
    if (!isObjectId(parent)) throw objectCorrupt('A commit object has a malformed parent.');
    parents.push(parent);
  }
  const author = decodeIdentity(headers.take('author'));
  const committer = decodeIdentity(headers.take('committer'));
  return { tree, parents, author, committer, message: headers.rest() };
}

/** Walks the header lines at the start of a commit. */
class HeaderLines {
  readonly #content: Uint8Array;
  #at = 0;

  constructor(content: Uint8Array) {
    this.#content = content;
  }

  /** Returns the value of the next line when it has this key, else null without moving. */
  take(key: string): ByteString | null {
    const end = this.#content.indexOf(0x0a, this.#at);
    if (end < 0) return null;
    const line = byteStringOf(this.#content.subarray(this.#at, end));
    if (!line.startsWith(`${key} `)) return null;
    this.#at = end + 1;
    return line.slice(key.length + 1);
  }

  /** Returns what follows the first empty line; nothing when there is none. */
  rest(): Uint8Array {
    for (let at = this.#at; at < this.#content.length;) {
      const end = this.#content.indexOf(0x0a, at);
      if (end === at) return this.#content.subarray(end + 1);
      if (end < 0) break;
      at = end + 1;
    }
    return new Uint8Array(0);
  }
}

const identityPattern = /^([^<>\n]*?) ?<([^<>\n]*)> (\d{1,15}) ([+-]\d{4})$/;

function decodeIdentity(line: ByteString | null): GitIdentity | null {
  const match = line === null ? null : identityPattern.exec(line);
  if (match === null) return null;
  const [, name, email, seconds, zone] = match;
  return { name: textOf(name!), email: textOf(email!), timeSeconds: Number(seconds), zone: zone! };
}

function textOf(value: ByteString): string {
  return bytesOf(value).toString('utf8');
}

function identityLine(identity: GitIdentity): string {
  const { timeSeconds, zone } = identity;
  if (!Number.isSafeInteger(timeSeconds) || timeSeconds < 0 || !/^[+-]\d{4}$/.test(zone)) {
    throw new HoldfastError('invariant_broken', 'A commit has no valid time.');
  }
  return `${cleaned(identity.name) || 'unknown'} <${cleaned(identity.email)}> ${timeSeconds} ${zone}`;
}

/** Git reads `<`, `>`, line ends and NUL in an identity as structure, and trims what it calls crud at both ends. */
function cleaned(text: string): string {
  return text.replaceAll(/[\u0000-\u001f<>\u007f]/g, '').replaceAll(/^[ .,:;"'\\]+|[ .,:;"'\\]+$/g, '');
}
