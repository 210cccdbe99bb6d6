import { type ByteString, textOfByteString } from '../lib/bytes.ts';

/**
 * Says why a name must not be a path component of a snapshot, or returns null when it may. These are the names that git
 * itself refuses (`git fsck --strict`, `git checkout`), on every system: what could climb out of a folder, and every
 * spelling that git, NTFS or HFS+ reads as `.git`. Odd but legal names (`a\b`, `CON`, line breaks) may.
 * `isLink` adds what git refuses only for links: a `.gitmodules` that points elsewhere.
 */
export function pathComponentProblem(name: ByteString, isLink = false): string | null {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return 'it names a folder above or itself';
  if (name.includes('/')) return 'it holds a slash';
  if (name.includes('\0')) return 'it holds a NUL byte';
  if (!couldMeanGit.test(name)) return null;
  if (isDotNameOnHfs(name, '.git') || tailsOnNtfs(name).some(isDotGitOnNtfs)) return 'git reads it as ".git"';
  if (isLink && (isDotNameOnHfs(name, '.gitmodules') || tailsOnNtfs(name).some(isDotGitmodulesOnNtfs))) {
    return 'git reads it as a ".gitmodules" link';
  }
  return null;
}

/** Says why a name found in the vault cannot be stored (it goes to the ledger as `reserved`), or returns null. */
export function captureNameProblem(name: ByteString, isLink = false): string | null {
  return pathComponentProblem(name, isLink);
}

/**
 * Says why a component cannot be restored on Windows, where it would be another file, a device, a stream of a file, or
 * a way out of the folder; null when it can. Asked besides `pathComponentProblem`, on Windows only.
 */
export function windowsNameProblem(name: ByteString): string | null {
  const text = textOfByteString(name);
  if (text === null) return 'it is not valid UTF-8';
  if (/[\u0000-\u001f<>:"/\\|?*]/.test(text)) return 'it holds a character Windows does not allow';
  if (/[. ]$/.test(text)) return 'it ends in a dot or a space';
  if (windowsDevice.test(text)) return 'it is the name of a device on Windows';
  if (/^git~\d+$/i.test(text)) return 'Windows could read it as ".git"';
  return null;
}

const windowsDevice =
  /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b2\u00b3\u00b9]|lpt[0-9\u00b2\u00b3\u00b9])(?: *[.:].*)?$/i;

// A cheap first look, since almost no name comes near: every bad spelling begins (as a whole, or behind a backslash)
// with a dot, a 'g', a tilde, or the first byte of a code point that HFS+ ignores.
const couldMeanGit = /(?:^|\\)[.gG~\u00e2\u00ef]/;

/** NTFS reads a backslash as a slash, so what follows one could be a component of its own. */
function tailsOnNtfs(name: ByteString): readonly string[] {
  const tails = [name];
  for (let at = name.indexOf('\\'); at >= 0; at = name.indexOf('\\', at + 1)) tails.push(name.slice(at + 1));
  return tails;
}

/** NTFS drops dots and spaces at the end, keeps streams behind a colon, and knows `.git` by its short name too. */
function isDotGitOnNtfs(name: ByteString): boolean {
  return /^(?:\.git|git~1)[. ]*(?:[:\\]|$)/i.test(name);
}

function isDotGitmodulesOnNtfs(name: ByteString): boolean {
  // The first four short names are built from the name, later ones from its hash ("gi7eba~1").
  if (/^(?:\.gitmodules|gitmod~[1-4])[. ]*(?::|$)/i.test(name)) return true;
  const short = /^([^~]{0,6})~[1-9]\d*[. ]*(?::|$)/.exec(name);
  return short !== null && /^.{8}(?:[. :]|$)/.test(name) && 'gi7eba'.startsWith(short[1]!.toLowerCase());
}

/** HFS+ does not hear certain code points. A byte that is not UTF-8 ends the comparison, as it does in git. */
function isDotNameOnHfs(name: ByteString, wanted: string): boolean {
  let heard = '';
  for (let at = 0; at < name.length && heard.length <= wanted.length;) {
    utf8Character.lastIndex = at;
    const character = utf8Character.exec(name)?.[0];
    if (character === undefined) break;
    if (!hfsIgnored.test(character)) heard += character.length === 1 ? character : '?';
    at += character.length;
  }
  return heard.toLowerCase() === wanted;
}

/** U+200C to 200F, U+202A to 202E, U+206A to 206F and U+FEFF, spelled in UTF-8 bytes. */
const hfsIgnored = /^(?:\u00e2\u0080[\u008c-\u008f\u00aa-\u00ae]|\u00e2\u0081[\u00aa-\u00af]|\u00ef\u00bb\u00bf)$/;

/** One character of UTF-8 as git takes it: no surrogates, no U+FFFE or U+FFFF. */
const utf8Character = new RegExp(
  [
    '[\\u0001-\\u007f]',
    '[\\u00c2-\\u00df][\\u0080-\\u00bf]',
    '\\u00e0[\\u00a0-\\u00bf][\\u0080-\\u00bf]',
    '[\\u00e1-\\u00ec\\u00ee][\\u0080-\\u00bf]{2}',
    '\\u00ed[\\u0080-\\u009f][\\u0080-\\u00bf]',
    '\\u00ef(?!\\u00bf[\\u00be\\u00bf])[\\u0080-\\u00bf]{2}',
    '\\u00f0[\\u0090-\\u00bf][\\u0080-\\u00bf]{2}',
    '[\\u00f1-\\u00f3][\\u0080-\\u00bf]{3}',
    '\\u00f4[\\u0080-\\u008f][\\u0080-\\u00bf]{2}',
  ].join('|'),
  'y',
);
