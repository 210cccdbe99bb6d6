import { argon2, createCipheriv, createDecipheriv, scrypt } from 'node:crypto';
import type { KeyDerivation, KeySecret, KeySlot } from '../model/store-keys.ts';
import { checked, instant, nullable, object, type Shape, ShapeError, text, textLike } from './json-shape.ts';
import { deriveKey, keyBytes } from './keyring.ts';

const tagBytes = 16;
const cipherName = 'aes-256-gcm';
// The key of a slot encrypts one thing in its life: its salt is new whenever something is wrapped.
const onlyNonce = new Uint8Array(12);

/** What is written today: the second recommendation of RFC 9106, and the same effort for scrypt. */
const argon2Now = { id: 'argon2id', memoryKiB: 65_536, passes: 3, lanes: 4 } as const;
const scryptNow = { id: 'scrypt', cost: 131_072, blockSize: 8, lanes: 1 } as const;

/**
 * Weaker derivations than these are refused, whoever wrote them (K11); costlier ones too: a forged sheet must not take
 * all memory or time.
 */
const limits = {
  memoryKiB: [65_536, 524_288],
  passes: [3, 8],
  lanes: [1, 8],
  cost: [131_072, 524_288],
  blockSize: [8, 8],
} as const;

/** How a secret is turned into a key from now on. `random` gives the salt. */
export function newDerivation(
  secret: KeySecret,
  options: { random: (size: number) => Uint8Array; passphraseBy?: 'argon2id' | 'scrypt' },
): KeyDerivation {
  const salt = Buffer.from(options.random(keyBytes)).toString('hex');
  if (secret.kind === 'raw') return { id: 'hkdf-sha256', salt };
  return options.passphraseBy === 'scrypt' ? { ...scryptNow, salt } : { ...argon2Now, salt };
}

/** True when a secret of this kind could open a slot so derived. */
export function fitsSecret(derivation: KeyDerivation, secret: KeySecret): boolean {
  return (derivation.id === 'hkdf-sha256') === (secret.kind === 'raw');
}

/** Wraps 32 bytes. `context` is bound to them. Takes about half a second for a passphrase. */
export async function wrapKey(
  key: Uint8Array,
  options: { secret: KeySecret; derivation: KeyDerivation; context: string },
): Promise<string> {
  const cipher = createCipheriv(cipherName, await slotKey(options), onlyNonce);
  cipher.setAAD(contextOf(options));
  const body = Buffer.concat([cipher.update(key), cipher.final()]);
  return Buffer.concat([body, cipher.getAuthTag()]).toString('hex');
}

/** The wrapped bytes, or null when this secret does not open them. */
export async function unwrapKey(
  wrapped: string,
  options: { secret: KeySecret; derivation: KeyDerivation; context: string },
): Promise<Buffer | null> {
  return open(wrapped, await slotKey(options), contextOf(options));
}

/** Wraps a master key by the one that came after it. */
export function wrapByMaster(key: Uint8Array, options: { master: Uint8Array; context: string }): string {
  const cipher = createCipheriv(cipherName, masterWrapKey(options), onlyNonce);
  const body = Buffer.concat([cipher.update(key), cipher.final()]);
  return Buffer.concat([body, cipher.getAuthTag()]).toString('hex');
}

/** Null when it was not wrapped by this key. */
export function unwrapByMaster(wrapped: string, options: { master: Uint8Array; context: string }): Buffer | null {
  return open(wrapped, masterWrapKey(options), new Uint8Array(0));
}

function open(wrapped: string, key: Uint8Array, context: Uint8Array): Buffer | null {
  const bytes = Buffer.from(wrapped, 'hex');
  const decipher = createDecipheriv(cipherName, key, onlyNonce, { authTagLength: tagBytes });
  decipher.setAAD(context);
  decipher.setAuthTag(bytes.subarray(keyBytes));
  const plain = decipher.update(bytes.subarray(0, keyBytes));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return plain;
}

/** One key for each (master, context): what is wrapped under it is always the same. */
function masterWrapKey({ master, context }: { master: Uint8Array; context: string }): Buffer {
  return deriveKey(master, { purpose: `holdfast 1 older master\0${context}` });
}

function contextOf({ derivation, context }: { derivation: KeyDerivation; context: string }): Buffer {
  return Buffer.from(`holdfast 1 slot\0${context}\0${derivationText(derivation)}`, 'utf8');
}

function derivationText(derivation: KeyDerivation): string {
  const { id, salt } = derivation;
  if (id === 'argon2id') return `${id}:${derivation.memoryKiB}:${derivation.passes}:${derivation.lanes}:${salt}`;
  if (id === 'scrypt') return `${id}:${derivation.cost}:${derivation.blockSize}:${derivation.lanes}:${salt}`;
  return `${id}:${salt}`;
}

async function slotKey({ secret, derivation }: { secret: KeySecret; derivation: KeyDerivation }): Promise<Buffer> {
  const salt = Buffer.from(derivation.salt, 'hex');
  // Typed on another machine, the same letters may come in another form.
  const message = secret.kind === 'raw' ? secret.bytes : Buffer.from(secret.text.normalize('NFC'), 'utf8');
  if (derivation.id === 'hkdf-sha256') return deriveKey(message, { salt, purpose: 'holdfast 1 slot' });
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const done = (error: Error | null, key: Buffer): void => (error === null ? resolve(key) : reject(error));
  if (derivation.id === 'argon2id') {
    const { memoryKiB: memory, passes, lanes: parallelism } = derivation;
    argon2('argon2id', { message, nonce: salt, memory, passes, parallelism, tagLength: keyBytes }, done);
  } else {
    const { cost: N, blockSize: r, lanes: p } = derivation;
    scrypt(message, salt, keyBytes, { N, r, p, maxmem: 256 * N * r }, done);
  }
  return promise;
}

function within([min, max]: readonly [number, number], what: string): Shape<number> {
  return checked(
    (value): value is number => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    `${what} from ${min} to ${max}`,
  );
}

const powerOfTwo = (what: string): Shape<number> => {
  const range = within(limits.cost, what);
  return (value) => {
    const cost = range(value);
    if (Number.isInteger(Math.log2(cost))) return cost;
    throw new ShapeError(`not ${what}, a power of two`);
  };
};

const salt = textLike(/^[0-9a-f]{64}$/, 'a salt');
const exactly = <const Id extends string>(id: Id): Shape<Id> =>
  checked((value): value is Id => value === id, `"${id}"`);

type DerivationOf<Id extends KeyDerivation['id']> = Extract<KeyDerivation, { id: Id }>;
const derivations: { readonly [Id in KeyDerivation['id']]: Shape<DerivationOf<Id>> } = {
  argon2id: object<DerivationOf<'argon2id'>>({
    id: exactly('argon2id'),
    memoryKiB: within(limits.memoryKiB, 'the memory of argon2id in KiB'),
    passes: within(limits.passes, 'the passes of argon2id'),
    lanes: within(limits.lanes, 'the lanes of argon2id'),
    salt,
  }),
  scrypt: object<DerivationOf<'scrypt'>>({
    id: exactly('scrypt'),
    cost: powerOfTwo('the cost of scrypt'),
    blockSize: within(limits.blockSize, 'the block size of scrypt'),
    lanes: within(limits.lanes, 'the lanes of scrypt'),
    salt,
  }),
  'hkdf-sha256': object<DerivationOf<'hkdf-sha256'>>({ id: exactly('hkdf-sha256'), salt }),
};

const derivation: Shape<KeyDerivation> = (value) => {
  const { id } = object<{ id: string }>({ id: text(64) })(value);
  if (!Object.hasOwn(derivations, id)) throw new ShapeError(`not a way to derive keys that is known: ${id}`);
  return derivations[id as KeyDerivation['id']](value);
};

export const slotIdShape = textLike(/^[0-9a-f]{8}$/, 'the id of a key');
export const wrappedKeyShape = textLike(/^[0-9a-f]{96}$/, 'a wrapped key');

/** One slot as a sheet holds it; checks every limit. */
export const slotShape: Shape<KeySlot> = object<KeySlot>({
  id: slotIdShape,
  name: text(100),
  createdAt: instant,
  replaces: nullable(slotIdShape),
  derivation,
  wrapped: wrappedKeyShape,
});
