import type { ByteString } from '../../lib/bytes.ts';

/**
 * The names that hold secrets, in one table. An untracked file of such a name is left out of a store without encryption and listed in
 * the ledger, unless asked for (`allowSecrets`, or a `!` in `.syncignore` that names it). `*` stands for any run of
 * characters without '/'; a name with a folder fits only in that folder; letter case does not matter.
 */
export const secretNames: readonly { readonly names: readonly string[]; readonly what: string }[] = [
  { names: ['.env', '.env.*', '*.env', '.envrc'], what: 'environment files with credentials' },
  {
    names: ['id_rsa', 'id_dsa', 'id_ecdsa', 'id_ed25519', 'id_ecdsa_sk', 'id_ed25519_sk', '*.ppk'],
    what: 'private SSH keys',
  },
  { names: ['*.pem', '*.key', '*.p8', '*.p12', '*.pfx', '*.jks', '*.keystore'], what: 'private keys and key stores' },
  { names: ['secring.gpg', 'private-keys-v1.d/*.key'], what: 'private GnuPG keys' },
  { names: ['*.kdbx', '*.kdb'], what: 'password databases' },
  {
    names: ['.netrc', '_netrc', '.pgpass', '.my.cnf', '.git-credentials', '.htpasswd', '.vault-token'],
    what: 'passwords of command-line programs',
  },
  { names: ['.npmrc', '.pypirc', '.dockercfg'], what: 'settings that carry publishing tokens' },
  {
    names: ['.aws/credentials', '.docker/config.json', '.kube/config', 'gcloud/credentials.db'],
    what: 'cloud credentials',
  },
  {
    names: ['credentials.json', 'client_secret*.json', 'service-account*.json', 'service_account*.json'],
    what: 'credentials and tokens of services',
  },
];

/** Names that look like secrets but are meant to be shared. */
export const harmlessNames: readonly string[] = ['example', 'sample', 'template', 'dist'].flatMap((ending) => [
  `.env.${ending}`,
  `.env.*.${ending}`,
  `*.${ending}.env`,
]);

const allNames = secretNames.flatMap(({ names }) => names);
const secretPattern = patternOf(allNames.filter((name) => !name.includes('/')));
const inFolderPattern = patternOf(allNames.filter((name) => name.includes('/')));
const harmlessPattern = patternOf(harmlessNames);

/** True for a file whose path (relative to the vault) has a name from the table. */
export function isSecretName(path: ByteString): boolean {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  if (secretPattern.test(name)) return !harmlessPattern.test(name);
  return slash > 0 && inFolderPattern.test(path.slice(path.lastIndexOf('/', slash - 1) + 1));
}

/** One anchored expression for all names, because every new file is put to it. */
function patternOf(names: readonly string[]): RegExp {
  const sources = names.map((name) => name.replaceAll('.', '\\.').replaceAll('*', '[^/]*'));
  return new RegExp(`^(?:${sources.join('|')})$`, 'i');
}
