import { byteStringOf, type ByteString } from '../../lib/bytes.ts';
import { HoldfastError } from '../../model/errors.ts';
import { pathComponentProblem } from '../../model/path-policy.ts';
import { compareTreeEntries, fileModes, type TreeEntry } from '../../model/tree.ts';
import { objectCorrupt, treeUnsafe } from './corrupt.ts';
import { idBytes, objectIdAt } from './object-id.ts';

/**
 * Encodes a tree object. `entries` must be in git's order (`compareTreeEntries`) without duplicates.
 * @throws {HoldfastError} `invariant_broken` for an order, name, mode or id that git would refuse
 */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  let sizeBytes = 0;
  for (const entry of entries) sizeBytes += modeText(entry.mode).length + entry.name.length + idBytes + 2;
  const out = Buffer.allocUnsafe(sizeBytes);
  const order = new OrderCheck();
  let at = 0;
  for (const entry of entries) {
    const problem = pathComponentProblem(entry.name, entry.mode === fileModes.link) ?? order.problemOf(entry);
    if (problem !== null || !knownModes.has(entry.mode))
      throw unencodable(entry, problem ?? 'its mode is not one of git');
    at += out.write(`${modeText(entry.mode)} ${entry.name}\0`, at, 'latin1');
    const written = out.write(entry.id, at, 'hex');
    if (written !== idBytes) throw unencodable(entry, 'its object id is not 40 hex digits');
    at += idBytes;
  }
  return out;
}

/**
 * Decodes a tree object strictly: what `git fsck --strict` refuses is refused here, and so is every name that must not
 * reach a disk.
 * @throws {HoldfastError} `object_corrupt` for a broken format, `tree_unsafe` for a name, order or mode no one may trust
 */
export function decodeTree(content: Uint8Array): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const order = new OrderCheck();
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const nul = space < 0 ? -1 : content.indexOf(0, space);
    if (nul < 0 || nul + 1 + idBytes > content.length)
      throw objectCorrupt('A tree object ends in the middle of an entry.');
    const mode = decodeMode(content, at, space);
    const name = byteStringOf(content.subarray(space + 1, nul));
    const id = objectIdAt(content, nul + 1);
    const entry: TreeEntry = { name, mode, id };
    const problem = pathComponentProblem(name, mode === fileModes.link) ?? order.problemOf(entry);
    if (problem !== null) throw treeUnsafe(`The tree entry ${shown(name)} is refused: ${problem}.`);
    if (id === nullId) throw objectCorrupt(`The tree entry ${shown(name)} names no object.`);
    entries.push(entry);
    at = nul + 1 + idBytes;
  }
  return entries;
}

const nullId = '0'.repeat(idBytes * 2);
const knownModes: ReadonlySet<number> = new Set(Object.values(fileModes));
const modeBytesMax = 6;

/** Git writes modes in octal without leading zeros, and refuses others in strict checks: one tree, one spelling. */
function decodeMode(content: Uint8Array, start: number, end: number): number {
  let mode = 0;
  if (end - start > modeBytesMax) throw objectCorrupt('A tree entry has a malformed mode.');
  for (let i = start; i < end; i++) {
    const digit = content[i]! - 0x30;
    if (digit < 0 || digit > 7) throw objectCorrupt('A tree entry has a malformed mode.');
    mode = mode * 8 + digit;
  }
  if (content[start] === 0x30 || !knownModes.has(mode)) {
    throw objectCorrupt(`A tree entry has the mode ${mode.toString(8)}, which git does not write.`);
  }
  return mode;
}

/**
 * Watches that entries come in git's order and that no name comes twice, not even once as a file and once as a folder,
 * which need not be neighbours ("a", "a.b", "a/").
 */
class OrderCheck {
  #previous: TreeEntry | null = null;
  /** Files whose name is a prefix of everything since: the only ones a later folder could repeat. */
  #open: ByteString[] = [];

  problemOf(entry: TreeEntry): string | null {
    const previous = this.#previous;
    if (previous !== null && previous.name === entry.name) return 'the name occurs twice';
    if (previous !== null && compareTreeEntries(previous, entry) >= 0) return 'it is out of order';
    while (this.#open.length > 0 && !entry.name.startsWith(this.#open.at(-1)!)) this.#open.pop();
    if (entry.mode === fileModes.tree) {
      if (this.#open.includes(entry.name)) return 'the name occurs twice, as a file and as a folder';
    } else {
      this.#open.push(entry.name);
    }
    this.#previous = entry;
    return null;
  }
}

function modeText(mode: number): string {
  return mode.toString(8);
}

/** A name as a person may see it: quoted, with everything outside printable ASCII escaped. */
function shown(name: ByteString): string {
  const cut = name.length > 255 ? `${name.slice(0, 255)}...` : name;
  return JSON.stringify(cut).replaceAll(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function unencodable(entry: TreeEntry, problem: string): HoldfastError {
  return new HoldfastError('invariant_broken', `A tree entry ${shown(entry.name)} cannot be written: ${problem}.`);
}
