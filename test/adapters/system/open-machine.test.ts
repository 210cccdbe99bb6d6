import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadMachine } from '../../../src/adapters/system/open-machine.ts';
import { ended, runNode } from '../../support/run-node.ts';
import { scratchFolder } from '../../support/scratch.ts';

const sources = (dataDir: string) => ({ dataDir, env: {}, hostname: 'Ada-Laptop.local', username: 'ada' });

test('an identity is drawn once and kept', () => {
  const dataDir = join(scratchFolder(), 'share', 'holdfast');
  const machine = loadMachine(sources(dataDir));
  expect(machine).toEqual({ id: expect.stringMatching(/^[0-9a-f]{16}$/), name: 'ada-laptop', user: 'ada' });
  expect(loadMachine(sources(dataDir))).toEqual(machine);
  expect(loadMachine({ ...sources(dataDir), env: { HOLDFAST_MACHINE: 'CI Runner 7' } })).toEqual({
    ...machine,
    name: 'ci-runner-7',
  });
  expect(readdirSync(dataDir)).toEqual(['machine.json']);
  expect(statSync(join(dataDir, 'machine.json')).mode & 0o777).toBe(0o600);
});

test.each([
  ['', 'machine'],
  ['日本', 'machine'],
  ['../../etc', 'machine'],
  ['-a_b-', 'a-b'],
  ['x'.repeat(100), 'x'.repeat(40)],
])('host %j is called %j', (hostname, name) => {
  expect(loadMachine({ ...sources(scratchFolder()), hostname }).name).toBe(name);
});

test.each(['', '{', '{"id":"../x"}', 'null'])('a damaged file %j gives a new identity, kept from then on', (text) => {
  const dataDir = scratchFolder();
  writeFileSync(join(dataDir, 'machine.json'), text);
  const machine = loadMachine(sources(dataDir));
  expect(loadMachine(sources(dataDir))).toEqual(machine);
  expect(readdirSync(dataDir)).toEqual(['machine.json']);
});

test('processes that start together get one identity', async () => {
  const dataDir = scratchFolder();
  const module = JSON.stringify(join(import.meta.dirname, '../../../src/adapters/system/open-machine.ts'));
  const code = `
    import { loadMachine } from ${module};
    import { writeFileSync } from 'node:fs';
    const { id } = loadMachine({ dataDir: ${JSON.stringify(join(dataDir, 'data'))}, env: {}, hostname: 'h', username: 'u' });
    writeFileSync(${JSON.stringify(dataDir)} + '/' + process.pid, id);
  `;
  const children = [1, 2, 3, 4].map(() => runNode(code));
  for (const child of children) expect(await ended(child)).toBe(0);
  const ids = children.map((child) => readFileSync(join(dataDir, String(child.pid)), 'utf8'));
  expect(new Set(ids).size).toBe(1);
});

test('a data folder that cannot be used is named', () => {
  const dataDir = join(scratchFolder(), 'file');
  writeFileSync(dataDir, '');
  expect(() => loadMachine(sources(dataDir))).toThrow(/identity in .*file/);
});
