import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSpool } from '../../src/adapters/spool/open-spool.ts';
import type { SnapshotId } from '../../src/model/ids.ts';
import { scratchFolder } from '../support/scratch.ts';
import { spoolSample } from '../support/spool-sample.ts';
import { withRightSum } from '../support/right-sum.ts';

const nextId = '2026-04-16T12:00:01Z-next' as SnapshotId;

/** A spool of two entries, and the names of the files of the first. */
async function twoEntries() {
  const directory = scratchFolder();
  const spool = openSpool(directory, 'm1');
  const first = await spoolSample(spool);
  const second = await spoolSample(spool, { id: nextId });
  const names = readdirSync(first.directory);
  const nameOf = (pattern: RegExp): string =>
    join(
      first.directory,
      names.find((name) => pattern.test(name))!,
    );
  return { directory, spool, first, second, nameOf };
}

const files: readonly RegExp[] = [/\.pack$/, /\.idx$/, /^snapshot-/, /^entry/];

describe('a damaged spool entry is named, never returned (K19)', () => {
  const damages: readonly [string, (path: string) => void][] = [
    ['zero-length', (path) => writeFileSync(path, '')],
    ['missing', (path) => rmSync(path)],
    ['cut short', (path) => writeFileSync(path, readFileSync(path).subarray(0, -2))],
    ['one bit flipped', (path) => flip(path, 20)],
    ['all NUL, same size', (path) => writeFileSync(path, Buffer.alloc(readFileSync(path).length))],
    ['a symlink', (path) => (renameSync(path, `${path}.real`), symlinkSync(`${path}.real`, path))],
    ['a folder', (path) => (rmSync(path), mkdirSync(path))],
  ];
  test.each(files.flatMap((file) => damages.map(([what, damage]) => ({ file, what, damage }))))(
    '$file: $what',
    async ({ file, damage }) => {
      const { directory, first, second, nameOf } = await twoEntries();
      damage(nameOf(file));
      for (const spool of [openSpool(directory, 'm1'), openSpool(directory, 'm1')]) {
        const { snapshots, damaged } = await spool.pending();
        expect(damaged.map((entry) => entry.directory)).toEqual([first.directory]);
        expect(damaged[0]!.reason).not.toBe('');
        expect(snapshots).toEqual([second]);
      }
    },
  );

  test('also in the process that captured it, when the file changed since', async () => {
    const { spool, nameOf } = await twoEntries();
    flip(nameOf(/\.pack$/), 20);
    expect((await spool.pending()).damaged.length).toBe(1);
  });

  test('a record put under another name is not taken', async () => {
    const { directory, first, second } = await twoEntries();
    for (const name of readdirSync(second.directory)) {
      if (name.startsWith('snapshot-')) {
        const [own] = readdirSync(first.directory).filter((file) => file.startsWith('snapshot-'));
        writeFileSync(join(first.directory, own!), readFileSync(join(second.directory, name)));
      }
    }
    const { damaged } = await openSpool(directory, 'm1').pending();
    expect(damaged).toEqual([{ directory: first.directory, reason: 'the record does not match its checksum' }]);
  });

  test('is kept when set aside, and the queue goes on', async () => {
    const { directory, spool, first, second, nameOf } = await twoEntries();
    writeFileSync(nameOf(/\.pack$/), '');
    for (const entry of (await spool.pending()).damaged) await spool.setAside(entry);
    expect(await spool.pending()).toEqual({ snapshots: [second], damaged: [] });
    expect(readdirSync(directory)).toContain(`damaged-${basename(first.directory)}`);
    // Its place in the queue is not given away.
    expect((await spoolSample(spool)).sequence).toBe(3);
    expect(await openSpool(directory, 'm1').sweep()).toBe(0);
  });

  test('a folder or file that is no entry at all is damage, not a crash', async () => {
    const { directory, spool } = await twoEntries();
    mkdirSync(join(directory, '000000000007-x'));
    writeFileSync(join(directory, '000000000008-x'), '');
    symlinkSync('/', join(directory, '000000000009-x'));
    writeFileSync(join(directory, 'stray'), '');
    expect((await spool.pending()).damaged.map((entry) => basename(entry.directory))).toEqual([
      '000000000007-x',
      '000000000008-x',
      '000000000009-x',
    ]);
  });
});

describe('an entry of a newer holdfast', () => {
  test('is not damage: it stops with what it needs', async () => {
    const { directory, nameOf } = await twoEntries();
    const path = nameOf(/^entry/);
    const { sha256Of } = await import('../../src/format/digest.ts');
    const record = withRightSum(readFileSync(nameOf(/^snapshot-/), 'utf8').replace('"format": 1', '"format": 2'));
    const sum = sha256Of(Buffer.from(record));
    writeFileSync(join(path, '..', `snapshot-${sum.slice(0, 16)}.json`), record);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"recordSha256": "\w+"/, `"recordSha256": "${sum}"`));
    await expect(openSpool(directory, 'm1').pending()).rejects.toMatchObject({ code: 'store_newer' });
  });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(path, bytes);
}
