import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/model/errors.ts';
import { formatStoreUrl, parseStoreUrl } from '../../src/format/store-url.ts';

const plain = {
  kind: 's3',
  bucket: 'notes',
  prefix: '',
  endpoint: null,
  region: null,
  pathStyle: false,
  checksum: 'auto',
};

describe('parseStoreUrl', () => {
  it.each([
    ['/backups/notes', { kind: 'directory', path: '/backups/notes' }],
    ['file:///backups/notes', { kind: 'directory', path: '/backups/notes' }],
    ['file:///backups/notes/', { kind: 'directory', path: '/backups/notes' }],
    ['file://localhost/backups', { kind: 'directory', path: '/backups' }],
    ['file:///with%20space/caf%C3%A9', { kind: 'directory', path: '/with space/café' }],
    ['file:///C:/notes', { kind: 'directory', path: 'C:/notes' }],
    ['C:\\notes', { kind: 'directory', path: 'C:\\notes' }],
    ['s3://notes', plain],
    ['s3://notes/', plain],
    ['s3://notes/a/b', { ...plain, prefix: 'a/b' }],
    ['s3://notes/a/b/', { ...plain, prefix: 'a/b' }],
    ['s3://my.Bucket_1?region=eu-west-1', { ...plain, bucket: 'my.Bucket_1', region: 'eu-west-1' }],
    ['s3://notes?endpoint=https://s3.example.com', { ...plain, endpoint: 'https://s3.example.com', pathStyle: true }],
    [
      's3://notes?endpoint=https%3A%2F%2Fs3.example.com%2F',
      { ...plain, endpoint: 'https://s3.example.com', pathStyle: true },
    ],
    ['s3://notes?endpoint=https://s3.example.com&pathStyle=false', { ...plain, endpoint: 'https://s3.example.com' }],
    ['s3://notes?pathStyle=true&checksum=off', { ...plain, pathStyle: true, checksum: 'off' }],
  ])('reads %s', (text, expected) => {
    expect(parseStoreUrl(text)).toEqual(expected);
  });

  it.each([
    '',
    'notes',
    './notes',
    '~/notes',
    '/',
    'file:///',
    'file://host/share',
    'file:///a?b=c',
    'file:///a%ZZ',
    'file:///a%00b',
    'https://s3.example.com/notes',
    's3://',
    's3:///notes',
    's3://a',
    's3://notes:80/x',
    's3://notes/a//b',
    's3://notes/%2e%2e/b%20c',
    's3://notes/caf%C3%A9',
    's3://notes#x',
    's3://notes?region=eu west',
    's3://notes?region=a&region=b',
    's3://notes?colour=blue',
    's3://notes?pathStyle=yes',
    's3://notes?checksum=md5',
    's3://notes?endpoint=s3.example.com',
    's3://notes?endpoint=ftp://s3.example.com',
    's3://notes?endpoint=https://s3.example.com/?x=1',
  ])('refuses %j with a hint', (text) => {
    const error = failure(text);
    expect(error).toMatchObject({ code: 'store_url_invalid', kind: 'config' });
    expect(error.hint).toBeTruthy();
  });

  it.each([
    's3://AKIAEXAMPLE:hunter2secret@notes/x',
    's3://hunter2secret@notes/x',
    'https://me:hunter2secret@s3.example.com/notes',
    's3://notes?endpoint=https://me:hunter2secret@s3.example.com',
    's3://notes?secretAccessKey=hunter2secret',
    's3://notes?sessionToken=hunter2secret',
    's3://notes?aws_access_key_id=hunter2secret',
  ])('refuses credentials in %s without repeating them', (text) => {
    const error = failure(text);
    expect(error).toMatchObject({ code: 'store_url_invalid' });
    expect(`${error.message} ${error.hint} ${JSON.stringify(error.data)}`).not.toContain('hunter2secret');
    expect(error.message).toContain('key');
  });

  // G07
  it.each(['http://s3.example.com', 'http://10.0.0.5:9000', 'http://127.evil.com', 'http://localhost.evil.com'])(
    'refuses the endpoint %s unless told that it is all right',
    (endpoint) => {
      expect(failure(`s3://notes?endpoint=${endpoint}`)).toMatchObject({ code: 'store_url_invalid' });
      expect(failure(`s3://notes?endpoint=${endpoint}`).hint).toContain('--insecure');
      expect(parseStoreUrl(`s3://notes?endpoint=${endpoint}`, { insecure: true })).toMatchObject({ endpoint });
    },
  );

  it.each([
    'http://127.0.0.1:9000',
    'http://127.9.9.9',
    'http://localhost:9000',
    'http://[::1]:9000',
    'http://s3.localhost',
  ])('takes the endpoint %s: it is this machine', (endpoint) => {
    expect(parseStoreUrl(`s3://notes?endpoint=${endpoint}`)).toMatchObject({ endpoint });
  });
});

describe('formatStoreUrl', () => {
  it.each([
    '/backups/notes',
    'file:///with space/50%/caf\u00e9#?&',
    'C:/notes',
    's3://notes',
    's3://notes/a/b?region=eu-west-1',
    's3://notes/a?endpoint=https://s3.example.com&region=auto&pathStyle=false&checksum=off',
    's3://notes?pathStyle=true',
  ])('spells %j so that it is read back', (text) => {
    const store = text.startsWith('file:///with')
      ? { kind: 'directory' as const, path: text.slice(7) }
      : parseStoreUrl(text);
    expect(parseStoreUrl(formatStoreUrl(store))).toEqual(store);
  });
});

function failure(text: string) {
  try {
    parseStoreUrl(text);
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
  return expect.fail('it was read');
}
