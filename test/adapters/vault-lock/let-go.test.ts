import { expect, test } from 'vitest';
import { openVaultLock } from '../../../src/adapters/vault-lock/open-vault-lock.ts';
import { withFailingFs } from '../../support/failing-fs.ts';
import { scratchFolder } from '../../support/scratch.ts';

test('Q08: a disk that became read-only neither keeps the lock nor fails the command that held it', async () => {
  const lock = openVaultLock({ directory: scratchFolder(), hostname: 'desk', now: () => new Date() });
  const held = await lock.acquire('snapshot');
  const calls = await withFailingFs({ call: 1, how: 'once', code: 'EROFS' }, async () => held[Symbol.asyncDispose]());
  expect(calls).toBeGreaterThan(0);
  await (await lock.acquire('snapshot'))[Symbol.asyncDispose]();
});
