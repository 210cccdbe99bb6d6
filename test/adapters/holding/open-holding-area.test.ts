import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openHoldingArea } from '../../../src/adapters/holding/open-holding-area.ts';
import { packedBatch } from '../../support/packed-batch.ts';
import { scratchFolder } from '../../support/scratch.ts';

const usualUmask = process.umask();

afterEach(() => {
  process.umask(usualUmask);
});

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test('makes a private folder that ignores itself, and a new one for each restore', async () => {
  const vaultRoot = scratchFolder();
  const area = openHoldingArea({ vaultRoot, holdingDir: '_restore/' });
  expect(area.name).toBe('_restore');
  expect(readdirSync(vaultRoot)).toEqual([]);
  await using first = await area.begin('all');
  await using second = await area.begin('all');
  expect(first.directory).toBe(join(vaultRoot, '_restore/all.INCOMPLETE'));
  expect(second.directory).toBe(join(vaultRoot, '_restore/all-2.INCOMPLETE'));
  expect(lstatSync(join(vaultRoot, '_restore')).mode).toBe(0o40700);
  expect(lstatSync(first.directory).mode).toBe(0o40700);
  expect(readFileSync(join(vaultRoot, '_restore/.gitignore'), 'utf8')).toBe('*\n');
  expect((await first.finish({ whole: true })).directory).toBe(join(vaultRoot, '_restore/all'));
  expect((await second.finish({ whole: false })).directory).toBe(join(vaultRoot, '_restore/all-2.INCOMPLETE'));
  expect(await area.freeBytes()).toBeGreaterThan(0);
});

test('keeps a .gitignore that is there', async () => {
  const vaultRoot = scratchFolder();
  mkdirSync(join(vaultRoot, '_restore'));
  writeFileSync(join(vaultRoot, '_restore/.gitignore'), '!*\n');
  await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).prepare();
  expect(readFileSync(join(vaultRoot, '_restore/.gitignore'), 'utf8')).toBe('!*\n');
});

test.each(['', '.', '..', './', '../out', '/tmp/x', '.git', '.GIT/x', 'a/../b', 'a//b', 'a\\..\\b'])(
  'refuses the holding directory %j',
  (holdingDir) => {
    expect(() => openHoldingArea({ vaultRoot: '/nowhere', holdingDir })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  },
);

test('refuses a holding directory that is a link or a file, also on the way to it', async () => {
  const vaultRoot = scratchFolder();
  const outside = scratchFolder();
  symlinkSync(outside, join(vaultRoot, 'link'));
  writeFileSync(join(vaultRoot, 'file'), 'x');
  for (const holdingDir of ['link', 'link/below', 'file', 'file/below']) {
    await expect(openHoldingArea({ vaultRoot, holdingDir }).begin('all')).rejects.toMatchObject({
      code: 'directory_unusable',
    });
  }
  expect(readdirSync(outside)).toEqual([]);
});

test.each(['', '..', 'a/b', '.hidden', 'a\0b', 'a\nb'])('takes no name %j from anybody', async (name) => {
  const area = openHoldingArea({ vaultRoot: scratchFolder(), holdingDir: '_restore' });
  await expect(area.begin(name)).rejects.toMatchObject({ code: 'invariant_broken' });
});

test.each([0o000, 0o022, 0o077, 0o177])('sets permissions exactly, whatever the umask (%i)', async (umask) => {
  process.umask(umask);
  const area = openHoldingArea({ vaultRoot: scratchFolder(), holdingDir: '_restore' });
  await using writer = await area.begin('all');
  writer.createFolder('d');
  writer.setFolder('d', 0o6755, 1_500_000_000_250);
  await writer.writePacked(
    packedBatch([
      { path: 'd/group', content: 'x', permissions: 0o664 },
      { path: 'd/setuid', content: 'x', permissions: 0o6755, mtimeMs: 1_600_000_000_125 },
      { path: 'd/none', content: 'x', permissions: 0o000 },
      { path: 'd/open', content: 'x', permissions: 0o1777 },
    ]),
  );
  await writer.writeFile({ path: 'd/piecewise', permissions: 0o4666, mtimeMs: -1000 }, pieces('a', 'b'));
  const { directory, problems } = await writer.finish({ whole: true });
  expect(problems).toEqual([]);
  const modeOf = (path: string) => lstatSync(join(directory, path)).mode & 0o7777;
  expect(['d', 'd/group', 'd/setuid', 'd/none', 'd/open', 'd/piecewise'].map(modeOf)).toEqual([
    0o755, 0o664, 0o755, 0, 0o777, 0o666,
  ]);
  expect(lstatSync(join(directory, 'd')).mtimeMs).toBe(1_500_000_000_250);
  expect(lstatSync(join(directory, 'd/setuid')).mtimeMs).toBe(1_600_000_000_125);
  expect(lstatSync(join(directory, 'd/piecewise')).mtimeMs).toBe(-1000);
});

test('a folder of mode 000 can still be looked at and removed by its owner', async () => {
  const vaultRoot = scratchFolder();
  await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
  writer.createFolder('shut');
  writer.createFolder('shut/below');
  writer.setFolder('shut', 0o000, null);
  writer.setFolder('shut/below', 0o000, null);
  await writer.writePacked(packedBatch([{ path: 'shut/below/f', content: 'x', permissions: 0 }]));
  const { directory } = await writer.finish({ whole: true });
  expect(lstatSync(join(directory, 'shut')).mode).toBe(0o40700);
  rmSync(directory, { recursive: true });
  expect(existsSync(directory)).toBe(false);
});

test('a name that is taken goes to the next one, for files, folders and links', async () => {
  const vaultRoot = scratchFolder();
  await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
  // What a file system that knows no case (or one Unicode form) does to `Case` and `case`: the second is there already.
  const twin = (path: string) => join(writer.directory, path);
  mkdirSync(twin('folder'));
  writeFileSync(twin('file'), 'first');
  writeFileSync(twin('file~holdfast2'), 'somebody else');
  writeFileSync(twin('big'), 'first');
  writeFileSync(twin('link'), 'first');
  writer.createFolder('folder');
  writer.createFolder('folder/below');
  const found = await writer.writePacked(
    packedBatch([
      { path: 'file', content: 'second' },
      { path: 'folder/below/x', content: 'inside' },
    ]),
  );
  const foundBig = await writer.writeFile({ path: 'big', permissions: 0o644, mtimeMs: null }, pieces('second'));
  writer.addLink('link', 'file', null);
  const { directory, problems } = await writer.finish({ whole: true });
  const all = [...problems, ...found, ...foundBig].map(({ path, code }) => `${path} ${code}`);
  expect(all.sort()).toEqual(['big name_taken', 'file name_taken', 'folder name_taken', 'link name_taken']);
  const read = (path: string) => readFileSync(join(directory, path), 'utf8');
  expect([read('file'), read('file~holdfast2'), read('file~holdfast3')]).toEqual(['first', 'somebody else', 'second']);
  expect(read('folder~holdfast2/below/x')).toBe('inside');
  expect([read('big'), read('big~holdfast2')]).toEqual(['first', 'second']);
  expect(readlinkSync(join(directory, 'link~holdfast2'))).toBe('file');
});

test('names and paths too long for the file system get a short alias, and everything else its own (F25)', async () => {
  const vaultRoot = scratchFolder();
  await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
  const longName = 'n'.repeat(300);
  const found = await writer.writePacked(
    packedBatch([
      { path: longName, content: 'long' },
      { path: 'x'.repeat(255), content: 'fits' },
    ]),
  );
  expect(found).toMatchObject([
    { path: longName, code: 'name_too_long', message: expect.stringContaining('long-name~holdfast-') },
  ]);
  let deep = 'd'.repeat(250);
  writer.createFolder(deep);
  for (let i = 0; i < 20; i++) writer.createFolder((deep += `/${'d'.repeat(250)}`));
  await writer.writePacked(packedBatch([{ path: `${deep}/${'f'.repeat(255)}`, content: 'deep' }]));
  const { directory, problems } = await writer.finish({ whole: true });
  expect(problems.every(({ code }) => code === 'name_too_long')).toBe(true);
  const aliased = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('f'.repeat(255)),
  );
  expect(aliased).toHaveLength(1);
  expect(readFileSync(join(directory, aliased[0]!), 'utf8')).toBe('deep');
  expect(readFileSync(join(directory, 'x'.repeat(255)), 'utf8')).toBe('fits');
  expect(directory).not.toMatch(/INCOMPLETE/);
});

test('leaves out names that Windows would take for something else, says so, and is incomplete (F06)', async () => {
  const vaultRoot = scratchFolder();
  await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore', windowsNames: true }).begin('all');
  const hostile = ['CON', 'nul.txt', 'a.', 'a ', 'x::$DATA', 'a\\b', 'LPT1', 'git~1'];
  writer.createFolder('COM7');
  writer.createFolder('COM7/below');
  writer.setFolder('COM7', 0o755, null);
  writer.addLink('aux', 'x', null);
  await writer.writePacked(packedBatch(['fine', 'COM7/below/x', ...hostile].map((path) => ({ path, content: path }))));
  await writer.writeFile({ path: 'PRN', permissions: 0o644, mtimeMs: null }, pieces('x'));
  const { directory, problems } = await writer.finish({ whole: true });
  expect(readdirSync(directory)).toEqual(['fine']);
  expect(directory).toMatch(/INCOMPLETE$/);
  const named = problems.map(({ path }) => path).sort();
  expect(named).toEqual(['COM7', 'COM7/below', 'COM7/below/x', 'PRN', 'aux', ...hostile].sort());
});

test('writes bytes of names as they are', async () => {
  const vaultRoot = join(scratchFolder(), 'vau\u00e9lt');
  mkdirSync(vaultRoot);
  await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
  const names = ['caf\xc3\xa9', 'cafe\xcc\x81', '\xff\xfe raw', 'a\nb', 'a\\b', '-rf', '~'];
  writer.createFolder('\xe2\x82\xac');
  await writer.writePacked(packedBatch(names.map((name) => ({ path: `\xe2\x82\xac/${name}`, content: name }))));
  writer.addLink('\xe2\x82\xac/\xfelink', '\xff target', 1_500_000_000_000);
  const { directory, problems } = await writer.finish({ whole: true });
  expect(problems).toEqual([]);
  const found = readdirSync(join(directory, '\u20ac'), { encoding: 'buffer' }).map((name) => name.toString('latin1'));
  expect(found.sort()).toEqual([...names, '\xfelink'].sort());
  const link = readlinkSync(
    Buffer.concat([Buffer.from(`${directory}/\u20ac/`), Buffer.from('\xfelink', 'latin1')]),
    'buffer',
  );
  expect(link.toString('latin1')).toBe('\xff target');
});

test('reports a file whose bytes are not what its name says, and does not write it', async () => {
  const vaultRoot = scratchFolder();
  await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
  const good = packedBatch([
    { path: 'good', content: 'good' },
    { path: 'bad', content: 'bad' },
  ]);
  const files = [good.files[0]!, { ...good.files[1]!, id: good.files[0]!.id }];
  const torn = packedBatch([{ path: 'torn', content: 'x'.repeat(500) }]);
  torn.bytes[torn.files[0]!.start + 6]! ^= 0xff;
  const problems = [...(await writer.writePacked({ ...good, files })), ...(await writer.writePacked(torn))];
  expect(problems.map(({ path, code }) => `${path} ${code}`)).toEqual(['bad damaged', 'torn damaged']);
  expect(readdirSync(writer.directory)).toEqual(['good']);
});

test('removes half a file when its pieces end in a failure, and keeps .INCOMPLETE', async () => {
  const vaultRoot = scratchFolder();
  {
    await using writer = await openHoldingArea({ vaultRoot, holdingDir: '_restore' }).begin('all');
    const failing = async function* () {
      yield Buffer.from('half');
      throw new Error('the rest is gone');
    };
    await expect(writer.writeFile({ path: 'big', permissions: 0o644, mtimeMs: null }, failing())).rejects.toThrow(
      /rest is gone/,
    );
    await writer.writePacked(packedBatch([{ path: 'kept', content: 'kept' }]));
  }
  expect(readdirSync(join(vaultRoot, '_restore/all.INCOMPLETE'))).toEqual(['kept']);
});
