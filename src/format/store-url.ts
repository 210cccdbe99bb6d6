import { HoldfastError } from '../model/errors.ts';

/** Where a store is, as its URL says. Never holds a secret: a URL that carries one is refused. */
export type StoreUrl =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Without slashes at either end; '' when the store is the whole bucket. */
      readonly prefix: string;
      /** Null for Amazon's own. */
      readonly endpoint: string | null;
      readonly region: string | null;
      /** Bucket in the path rather than in the host name; true unless said otherwise wherever an endpoint is given. */
      readonly pathStyle: boolean;
      /** 'auto' sends a SHA-256 with every upload until the storage refuses it; 'off' never sends one. */
      readonly checksum: 'auto' | 'off';
    };

const examples =
  'Examples: file:///backups/notes, s3://bucket/prefix, s3://bucket/prefix?endpoint=https://s3.example.com';
const bucketPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/;
const prefixPattern = /^[A-Za-z0-9._~+=@-]+(?:\/[A-Za-z0-9._~+=@-]+)*$/;
const s3Parameters = new Set(['endpoint', 'region', 'pathStyle', 'checksum']);

/**
 * Reads a store URL: `file:///dir`, a plain absolute path, or `s3://bucket/prefix` with the parameters `endpoint`,
 * `region`, `pathStyle` (true, false) and `checksum` (auto, off). `insecure` allows plain http to other machines.
 * @throws {HoldfastError} `store_url_invalid`
 */
export function parseStoreUrl(text: string, options: { insecure?: boolean } = {}): StoreUrl {
  if (isAbsolutePath(text)) return { kind: 'directory', path: text };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid('It is neither an absolute path nor a URL', examples);
  }
  // Checked before anything that could echo the text: messages never repeat a secret.
  if (url.username !== '' || url.password !== '') throw carriesCredentials();
  if (url.protocol === 'file:') return parseFileUrl(url);
  if (url.protocol === 's3:') return parseS3Url(url, options.insecure ?? false);
  throw invalid(`"${url.protocol}//" is not a kind of store`, examples);
}

/** Spells a store's place; `parseStoreUrl` reads it back. */
export function formatStoreUrl(store: StoreUrl): string {
  if (store.kind === 'directory') {
    const path = store.path.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':');
    return path.startsWith('/') ? `file://${path}` : `file:///${path}`;
  }
  const parameters: string[] = [];
  if (store.endpoint !== null) parameters.push(`endpoint=${store.endpoint}`);
  if (store.region !== null) parameters.push(`region=${encodeURIComponent(store.region)}`);
  if (store.pathStyle !== (store.endpoint !== null)) parameters.push(`pathStyle=${store.pathStyle}`);
  if (store.checksum !== 'auto') parameters.push(`checksum=${store.checksum}`);
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  return `s3://${store.bucket}${store.prefix === '' ? '' : `/${store.prefix}`}${query}`;
}

function parseFileUrl(url: URL): StoreUrl {
  if (url.hostname !== '' && url.hostname !== 'localhost') {
    throw invalid(
      'A file:// URL cannot name another machine',
      'Mount it and give the path, as in file:///mnt/backups.',
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw invalid('A file:// URL takes no parameters', 'Write "%3F" for "?" and "%23" for "#" in folder names.');
  }
  let path: string;
  try {
    path = decodeURIComponent(url.pathname);
  } catch {
    throw invalid('Its percent escapes are not valid UTF-8', 'Give the plain absolute path instead.');
  }
  if (path.includes('\0')) throw invalid('A path cannot hold a zero byte', examples);
  if (/^\/[A-Za-z]:(?:\/|$)/.test(path)) path = path.slice(1);
  if (path === '/' || path === '') throw invalid('The root of the disk cannot be a store', examples);
  return { kind: 'directory', path: path.replace(/\/+$/, '') };
}

function parseS3Url(url: URL, insecure: boolean): StoreUrl {
  const bucket = url.host;
  if (!bucketPattern.test(bucket)) throw invalid('It names no valid bucket', examples);
  const prefix = url.pathname.replaceAll(/^\/+|\/+$/g, '');
  if (prefix !== '' && (!prefixPattern.test(prefix) || prefix.split('/').some((part) => /^\.+$/.test(part)))) {
    throw invalid('Its prefix may hold only letters, digits and "._~+=@-" between single slashes', examples);
  }
  if (url.hash !== '') throw invalid('It takes no "#" part', examples);
  for (const name of url.searchParams.keys()) {
    if (!s3Parameters.has(name)) {
      if (/key|secret|token|password/i.test(name)) throw carriesCredentials();
      throw invalid(`It has an unknown parameter ${JSON.stringify(name)}`, `Known: ${[...s3Parameters].join(', ')}.`);
    }
    if (url.searchParams.getAll(name).length > 1) throw invalid(`It gives "${name}" twice`, examples);
  }
  const endpoint = parseEndpoint(url.searchParams.get('endpoint'), insecure);
  const region = url.searchParams.get('region');
  if (region !== null && !/^[A-Za-z0-9-]{1,64}$/.test(region))
    throw invalid('Its region is not a region name', examples);
  return {
    kind: 's3',
    bucket,
    prefix,
    endpoint,
    region,
    pathStyle: choose(url, 'pathStyle', ['true', 'false'], endpoint === null ? 'false' : 'true') === 'true',
    checksum: choose(url, 'checksum', ['auto', 'off'], 'auto'),
  };
}

function parseEndpoint(text: string | null, insecure: boolean): string | null {
  if (text === null) return null;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid('Its endpoint is not a URL', 'Write it like endpoint=https://s3.example.com');
  }
  if (url.username !== '' || url.password !== '') throw carriesCredentials();
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw invalid('Its endpoint is neither https:// nor http://', 'Write it like endpoint=https://s3.example.com');
  }
  if (url.search !== '' || url.hash !== '') throw invalid('Its endpoint has parameters of its own', examples);
  if (url.protocol === 'http:' && !insecure && !isLoopback(url.hostname)) {
    throw invalid(
      'Its endpoint is plain http://, which anyone on the way can read and change',
      'Use https://, or pass --insecure if you accept that.',
    );
  }
  return url.href.replace(/\/+$/, '');
}

function choose<Choice extends string>(url: URL, name: string, choices: readonly Choice[], fallback: Choice): Choice {
  const value = url.searchParams.get(name);
  if (value === null) return fallback;
  const choice = choices.find((one) => one === value);
  if (choice === undefined) throw invalid(`"${name}" must be one of ${choices.join(', ')}`, examples);
  return choice;
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  );
}

function isAbsolutePath(text: string): boolean {
  return (text.startsWith('/') && !text.includes('\0') && !/^\/+$/.test(text)) || /^[A-Za-z]:[\\/]./.test(text);
}

function carriesCredentials(): HoldfastError {
  return invalid(
    'It carries a user name, password or key',
    'Take it out; credentials come from the environment, ~/.aws or the machine (AWS_ACCESS_KEY_ID, AWS_PROFILE, ...).',
  );
}

function invalid(reason: string, hint: string): HoldfastError {
  return new HoldfastError('store_url_invalid', `The store URL cannot be used: ${reason}.`, { hint });
}
