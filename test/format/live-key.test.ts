import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isKey } from '../../src/adapters/storage/check-key.ts';
import { liveKeyOf, pathOfLiveKey } from '../../src/format/live-key.ts';

test.each([
  ['notes/plan.md', 'live/notes/plan.md'],
  ['.env.example', 'live/=2Eenv.example'],
  ['a b/=c', 'live/a=20b/=3Dc'],
  ['caf\xc3\xa9', 'live/caf=C3=A9'],
  ['2026-11-20T21-22-15Z-x', 'live/=32026-11-20T21-22-15Z-x'],
])('%j has the key %s', (path, key) => {
  expect(liveKeyOf(path)).toBe(key);
  expect(pathOfLiveKey(key)).toBe(path);
});

test('every path that fits has a key of its own that every storage takes, and comes back', () => {
  const part = fc
    .uint8Array({ minLength: 1, maxLength: 30 })
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x2e : byte))).toString('latin1'));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
      const path = parts.join('/');
      const key = liveKeyOf(path)!;
      expect(isKey(key)).toBe(true);
      expect(pathOfLiveKey(key)).toBe(path);
    }),
  );
});

test('a path too long for a key has none; a key we would not write stands for nothing', () => {
  expect(liveKeyOf('x'.repeat(1000))).toBeNull();
  for (const key of ['live/=2f', 'live/=41', 'live/a=', 'other/a', 'live/.env']) expect(pathOfLiveKey(key)).toBeNull();
});
