const redacted = '[redacted]';
const secretVariable = /^(?:AWS_.*(?:SECRET|TOKEN|KEY).*|HOLDFAST_(?:NEW_)?(?:KEY|PASSPHRASE)|BACKUP_ENCRYPTION_KEY)$/;
// Shorter values would blot out ordinary words, and no key is that short.
const secretCharsMin = 4;
// What is quoted from outside is cut at some length, so that a long secret may show only its beginning.
const beginningChars = 16;

const urlCredentials = /(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s@"']+@/gi;
const secretParameter =
  /([?&](?:x-amz-(?:signature|credential|security-token)|[a-z_-]*(?:secret|password|token|key)[a-z_-]*)=)[^&\s"']+/gi;
const authorization = /\b(AWS4-HMAC-SHA256\s+Credential=|Bearer\s+|Basic\s+)[^\s"',]+(?:,\s*\w+=[^\s"',]+)*/g;

/** Takes secrets out of a text before anybody sees it. */
export type Redactor = (text: string) => string;

/**
 * Makes the redactor for a process: it hides the values of secret environment variables wherever they turn up
 * (also percent-encoded), credentials in URLs, request signatures and authorization headers.
 */
export function createRedactor(env: Readonly<Record<string, string | undefined>>): Redactor {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value.length < secretCharsMin || !secretVariable.test(name)) continue;
    // A path to a token file is no secret.
    if (name.endsWith('_FILE') || name.endsWith('_PATH')) continue;
    secrets.add(value);
    secrets.add(value.trim());
    secrets.add(encodeURIComponent(value.toWellFormed()));
  }
  // Longest first, so that a secret inside another leaves no rest.
  const ordered = [...secrets].filter((secret) => secret.length >= secretCharsMin).sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const secret of ordered) {
      if (clean.includes(secret)) clean = clean.replaceAll(secret, redacted);
      if (secret.length > beginningChars) clean = hideBeginnings(clean, secret);
    }
    if (clean.includes('://')) clean = clean.replaceAll(urlCredentials, `$1${redacted}@`);
    if (clean.includes('=')) clean = clean.replaceAll(secretParameter, `$1${redacted}`);
    return clean.replaceAll(authorization, `$1${redacted}`);
  };
}

/** Hides every longest beginning of a secret, of at least `beginningChars`. */
function hideBeginnings(text: string, secret: string): string {
  const beginning = secret.slice(0, beginningChars);
  let clean = text;
  for (let at = clean.indexOf(beginning); at !== -1; at = clean.indexOf(beginning, at + redacted.length)) {
    let end = beginningChars;
    while (end < secret.length && clean[at + end] === secret[end]) end++;
    clean = clean.slice(0, at) + redacted + clean.slice(at + end);
  }
  return clean;
}

/** Redacts every string inside a value that is about to become JSON. */
export function redactDeeply(value: unknown, redact: Redactor): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactDeeply(item, redact));
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactDeeply(item, redact)]));
  }
  return value;
}
