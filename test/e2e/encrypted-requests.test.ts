import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCliVault } from '../support/cli-vault.ts';
import { startS3Server } from '../support/s3-server/start-s3-server.ts';

const key = '00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f';
const none = { put: 0, get: 0, head: 0, list: 0, delete: 0 };

test.each([
  ['plain', []],
  ['encrypted', ['--encrypt']],
])('an incremental snapshot to a bucket is three PUTs and nothing else: %s', async (_name, flags) => {
  await using server = await startS3Server();
  using cli = openCliVault({ 'a.md': 'a note\n' });
  const env = {
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    HOLDFAST_KEY: key,
  };
  expect((await cli.run(['init', '--yes', '--store', server.storeUrl(), ...flags], { env })).code).toBe(0);
  expect((await cli.run(['snapshot', 'first'], { env })).code).toBe(0);
  writeFileSync(join(cli.root, 'a.md'), 'changed\n');
  const second = await cli.json(['snapshot', 'second'], { env });
  expect([second.code, second.last['requests']]).toEqual([0, { ...none, put: 3 }]);
  const before = server.requests.length;
  expect((await cli.run(['snapshot'], { env })).code).toBe(0);
  expect(server.requests.length - before).toBe(0);
});
