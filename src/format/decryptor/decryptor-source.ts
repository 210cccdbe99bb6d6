/**
 * `decrypt.mjs`, as it is put into every encrypted store: a program of its own, with nothing of holdfast in it, that turns a
 * copy of the store into a plain one. It reads FORMAT.md section 11 anew rather than our code, so that it also proves it.
 * Raw, so that it stands here as it is stored; it does without backticks and "${".
 */
export const decryptorSource = String.raw`#!/usr/bin/env node
// Decrypts a copy of a holdfast store, so that git alone can restore from it: see RESTORE.md beside this file.
//
//   node decrypt.mjs STORE OUT [--key-file FILE]
//
// STORE is the folder the bucket was copied to, OUT a new folder. The key is taken from FILE, from the variables HOLDFAST_KEY,
// BACKUP_ENCRYPTION_KEY or HOLDFAST_PASSPHRASE, or asked for. Needs nothing but Node: 20 or newer for keys of 64 digits
// (the recovery key is one) and for passphrases stretched by scrypt, 24.7 or newer for those stretched by argon2id.
import * as crypto from 'node:crypto';
import { closeSync, copyFileSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const chunkBytes = 65536;
const tagBytes = 16;
const headerBytes = 92;
const plainNames = ['holdfast.json', 'RESTORE.md', 'decrypt.mjs'];

class Failure extends Error {}

function derive(secret, salt, purpose, size) {
  return Buffer.from(crypto.hkdfSync('sha256', secret, salt, purpose, size));
}

function open(key, nonce, context, sealed) {
  const decipher = crypto.createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const plain = decipher.update(sealed.subarray(0, sealed.length - tagBytes));
  decipher.final();
  return plain;
}

function tryOpen(key, context, sealed) {
  try {
    return open(key, Buffer.alloc(12), context, sealed);
  } catch {
    return null;
  }
}

// --- the keys ---

function newestSheet(store) {
  const names = readdirSync(join(store, 'keys')).filter((name) => /^\d{8}\.json$/.test(name));
  if (names.length === 0) throw new Failure('There are no keys in ' + join(store, 'keys') + ': copy that folder, too.');
  return readFileSync(join(store, 'keys', names.sort().at(-1)));
}

function slotKey(slot, secret) {
  const { id, salt: hex, memoryKiB, passes, lanes, cost, blockSize } = slot.derivation;
  const salt = Buffer.from(hex, 'hex');
  if (id === 'hkdf-sha256') {
    if (secret.raw === null) return null;
    return { key: derive(secret.raw, salt, 'holdfast 1 slot', 32), text: [id, hex].join(':') };
  }
  if (secret.text === null) return null;
  const message = Buffer.from(secret.text.normalize('NFC'), 'utf8');
  if (id === 'scrypt') {
    const options = { N: cost, r: blockSize, p: lanes, maxmem: 256 * cost * blockSize };
    const key = crypto.scryptSync(message, salt, 32, options);
    return { key, text: [id, cost, blockSize, lanes, hex].join(':') };
  }
  if (id !== 'argon2id') return null;
  if (crypto.argon2Sync === undefined) {
    secret.hint = ' This Node (' + process.version + ') has no argon2id: use Node 24.7 or newer, or the recovery key.';
    return null;
  }
  const options = { message, nonce: salt, memory: memoryKiB, passes, parallelism: lanes, tagLength: 32 };
  return { key: crypto.argon2Sync('argon2id', options), text: [id, memoryKiB, passes, lanes, hex].join(':') };
}

function unlock(bytes, secret) {
  const sheet = JSON.parse(bytes.toString('utf8'));
  for (const slot of sheet.slots) {
    const found = slotKey(slot, secret);
    if (found === null) continue;
    const context = Buffer.from(['holdfast 1 slot', sheet.vaultId, slot.id, found.text].join('\0'), 'utf8');
    const newest = tryOpen(found.key, context, Buffer.from(slot.wrapped, 'hex'));
    if (newest === null) continue;
    proveSheet(bytes, newest);
    const masters = new Map();
    for (const master of sheet.masters) {
      const wrapKey = derive(newest, Buffer.alloc(0), 'holdfast 1 older master\0' + master.id, 32);
      const key = master.wrapped === null ? newest : tryOpen(wrapKey, Buffer.alloc(0), Buffer.from(master.wrapped, 'hex'));
      if (key !== null) masters.set(master.id, key);
    }
    return { vaultId: sheet.vaultId, masters };
  }
  throw new Failure('The key does not match this store.' + (secret.hint ?? ''));
}

/** The last lines of a sheet are its proof and its checksum; whoever changed a sheet without a key shows here. */
function proveSheet(bytes, newest) {
  const end = bytes.length - ',\n  "sum": ""\n}\n'.length - 64;
  const start = end - ',\n  "proof": ""'.length - 64;
  const proofKey = derive(newest, Buffer.alloc(0), 'holdfast 1 key sheet', 32);
  const proof = crypto.createHmac('sha256', proofKey).update(bytes.subarray(0, start)).digest('hex');
  if (bytes.toString('latin1', start, end) === ',\n  "proof": "' + proof + '"') return;
  throw new Failure('The keys of this store were changed by somebody who has none of them.');
}

// --- the objects ---

/** The name an object was encrypted under: its key, colons where a disk has dashes; of packs only the last part. */
function nameOf(path) {
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (/^pack-[0-9a-f]{40}\.(pack|idx)$/.test(last)) return last;
  return path.split('/').map((part) => part.replace(/^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\dZ)/, '$1:$2:$3')).join('/');
}

function readAt(fd, position, size) {
  const bytes = Buffer.alloc(size);
  let done = 0;
  while (done < size) {
    const got = readSync(fd, bytes, done, size - done, position + done);
    if (got === 0) throw new Failure('it is cut short');
    done += got;
  }
  return bytes;
}

function decryptObject(from, to, name, ring) {
  const size = lstatSync(from).size;
  const input = openSync(from, 'r');
  const output = openSync(to, 'wx', 0o600);
  try {
    const header = readAt(input, 0, headerBytes);
    if (header.toString('latin1', 0, 8) !== 'hfsealed') throw new Failure('it is not encrypted, and should be');
    if (header[8] !== 1 || header[9] !== 1 || header.readUInt16BE(10) !== 0) throw new Failure('its version is not known');
    const plainSize = Number(header.readBigUInt64BE(12));
    const master = ring.masters.get(header.toString('hex', 20, 28));
    if (master === undefined) throw new Failure('no key of this store encrypted it');
    const purpose = Buffer.concat([
      Buffer.from('holdfast 1 object\0', 'latin1'),
      header.subarray(0, 28),
      Buffer.from(ring.vaultId + '\0' + name, 'latin1'),
    ]);
    const both = derive(master, header.subarray(28, 60), purpose, 64);
    if (!both.subarray(32).equals(header.subarray(60))) throw new Failure('it was changed, or belongs under another name');
    const chunks = Math.max(1, Math.ceil(plainSize / chunkBytes));
    if (size !== headerBytes + plainSize + chunks * tagBytes) throw new Failure('its length is wrong');
    const context = Buffer.concat([header, Buffer.from(name, 'latin1')]);
    let position = headerBytes;
    for (let chunk = 0; chunk < chunks; chunk++) {
      const sealed = readAt(input, position, Math.min(chunkBytes + tagBytes, size - position));
      position += sealed.length;
      const nonce = Buffer.alloc(12);
      nonce.writeUIntBE(chunk, 5, 6);
      nonce[11] = chunk === chunks - 1 ? 1 : 0;
      let plain;
      try {
        plain = open(both.subarray(0, 32), nonce, context, sealed);
      } catch {
        throw new Failure('chunk ' + chunk + ' was changed or damaged');
      }
      for (let done = 0; done < plain.length; ) done += writeSync(output, plain, done);
    }
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

function* filesBelow(folder, inner = '') {
  for (const entry of readdirSync(join(folder, inner), { withFileTypes: true })) {
    // What begins with a point is no object: earlier versions, unfinished files.
    if (entry.name.startsWith('.')) continue;
    const path = inner === '' ? entry.name : inner + '/' + entry.name;
    if (entry.isDirectory()) yield* filesBelow(folder, path);
    else if (entry.isFile()) yield path;
  }
}

function decryptStore(store, out, ring) {
  let [done, bad] = [0, 0];
  for (const path of filesBelow(store)) {
    if (path.startsWith('keys/')) continue;
    const [from, to] = [join(store, path), join(out, path)];
    mkdirSync(dirname(to), { recursive: true });
    try {
      if (plainNames.includes(path)) copyFileSync(from, to);
      else {
        // Whole or not at all: a part of an object must not be taken for it.
        decryptObject(from, to + '.part', nameOf(path), ring);
        renameSync(to + '.part', to);
      }
      done++;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      rmSync(to + '.part', { force: true });
      console.error('not decrypted: ' + JSON.stringify(path) + ': ' + error.message);
      bad++;
    }
  }
  console.error(done + ' objects decrypted' + (bad === 0 ? '' : ', ' + bad + ' damaged'));
  return bad === 0;
}

// --- the person's key ---

function secretOf(text) {
  const line = text.replace(/\r?\n$/, '');
  const digits = line.replace(/[\s-]/g, '').toLowerCase();
  const isRaw = /^[0-9a-f]{64}$/.test(digits);
  return { raw: isRaw ? Buffer.from(digits, 'hex') : null, text: isRaw ? null : line };
}

async function ask() {
  if (!process.stdin.isTTY) throw new Failure('No key: set HOLDFAST_KEY or HOLDFAST_PASSPHRASE, or name a --key-file.');
  process.stderr.write('Passphrase or recovery key: ');
  process.stdin.setRawMode(true);
  process.stdin.setEncoding('utf8');
  let typed = '';
  for await (const text of process.stdin) {
    for (const character of text) {
      if (character === '\r' || character === '\n') {
        process.stdin.setRawMode(false);
        process.stderr.write('\n');
        return typed;
      }
      if (character === '\u0003') process.exit(130);
      if (character === '\u007f' || character === '\b') typed = typed.slice(0, -1);
      else typed += character;
    }
  }
  return typed;
}

async function main() {
  const words = process.argv.slice(2);
  const at = words.indexOf('--key-file');
  const [, keyFile] = at === -1 ? [] : words.splice(at, 2);
  const [store, out] = words;
  if (words.length !== 2) throw new Failure('Usage: node decrypt.mjs STORE OUT [--key-file FILE]');
  const { HOLDFAST_KEY, BACKUP_ENCRYPTION_KEY, HOLDFAST_PASSPHRASE } = process.env;
  const given = HOLDFAST_KEY || BACKUP_ENCRYPTION_KEY || HOLDFAST_PASSPHRASE;
  const text = keyFile === undefined ? given || (await ask()) : readFileSync(keyFile, 'utf8');
  const ring = unlock(newestSheet(store), secretOf(text));
  mkdirSync(out);
  process.exitCode = decryptStore(store, out, ring) ? 0 : 1;
  process.stdin.unref?.();
}

main().catch((error) => {
  console.error('error: ' + (error instanceof Failure || error.code !== undefined ? error.message : error.stack));
  process.exitCode = 1;
});
`;
