import { describe, expect, it } from 'vitest';
import { mapS3Error } from '../../../src/adapters/storage/map-s3-error.ts';

const place = { operation: 'GetObject', key: 'packs/x', bucket: 'notes', host: 's3.example.com' };

describe('mapS3Error', () => {
  // S02 and Q05, for what a test cannot bring about on loopback.
  it.each([
    ['ENOTFOUND', 'storage_unavailable', { reached: false }],
    ['EAI_AGAIN', 'storage_unavailable', { reached: false }],
    ['ECONNREFUSED', 'storage_unavailable', { reached: false }],
    ['ENETUNREACH', 'storage_unavailable', { reached: false }],
    ['CERT_HAS_EXPIRED', 'storage_unavailable', { transient: false }],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'storage_unavailable', { transient: false }],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'storage_unavailable', { transient: false }],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'storage_unavailable', { transient: false }],
    ['ETIMEDOUT', 'storage_timeout', { reached: false }],
    ['ECONNRESET', 'storage_unavailable', {}],
    ['EPIPE', 'storage_unavailable', {}],
    ['HPE_INVALID_HEADER_TOKEN', 'storage_unavailable', {}],
    ['EMFILE', 'descriptors_exhausted', {}],
  ])('%s is %s', (code, expected, data) => {
    const error = mapS3Error(Object.assign(new Error('secret detail'), { code }), place, null);
    expect(error).toMatchObject({ code: expected, data });
    expect(error.message).toContain(code);
    expect(error.message).toContain('s3.example.com');
    expect(error.message).not.toContain('secret detail');
    expect(error.hint).toBeTruthy();
  });

  it('looks into the attempts at several addresses', () => {
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    expect(mapS3Error(new AggregateError([refused, refused]), place, null)).toMatchObject({ data: { reached: false } });
  });

  it('keeps an unknown failure out of the other kinds', () => {
    expect(mapS3Error(new TypeError('odd'), place, null)).toMatchObject({ code: 'storage_answer_invalid' });
    expect(mapS3Error('not even an error', place, null)).toMatchObject({ code: 'storage_answer_invalid' });
  });

  it('prints no error code that is not one', () => {
    const facts = { status: 418, headers: {} };
    const error = mapS3Error(Object.assign(new Error('x'), { name: 'red\u001b[31m' }), place, facts);
    expect(error.message).toBe('GetObject of packs/x at s3.example.com failed: the storage answered 418.');
  });

  it('ignores a Retry-After it cannot read', () => {
    for (const value of ['soon', '-1', '1e9', 'Wed, 21 Oct 2026 07:28:00 GMT']) {
      const facts = { status: 503, headers: { 'retry-after': value } };
      expect(mapS3Error(new Error('x'), place, facts)).toMatchObject({ data: { retryAfterMs: 0 } });
    }
  });
});
