import { appendFileSync, chmodSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ByteString } from '../../src/lib/bytes.ts';
import { openCliVault, type CliVault } from '../support/cli-vault.ts';
import { manifestOf, type Manifest, type ManifestEntry } from '../support/manifest.ts';
import { buildOddVault, isLeftOut } from '../support/odd-vault.ts';
import { onDisk } from '../support/vault-builder.ts';

const isGits = (path: ByteString): boolean => /(?:^|\/)\.git(?:\/|$)/.test(path);

/** What a rollback may change: not git's, not ours, not what no snapshot holds. */
function captured({ root }: CliVault): Manifest {
  const all = manifestOf(root, (path) => /^(?:state|_restore|holdfast\.json)$/.test(path) || isGits(path));
  for (const [path, { kind }] of all) if (kind === 'special' || isLeftOut(path)) all.delete(path);
  return all;
}

/** Special bits of files do not come back: that is said, and on purpose. */
function promised(path: ByteString, entry: ManifestEntry): string {
  const mode = entry.kind === 'link' ? 0 : entry.kind === 'folder' ? entry.mode : entry.mode & 0o777;
  return `${JSON.stringify(path)} ${entry.kind} ${mode.toString(8)} ${entry.content}`;
}

const linesOf = (manifest: Manifest): string[] =>
  [...manifest].map(([path, entry]) => promised(path, entry)).toSorted();

/** Times as far as metadata keeps them: to the microsecond, rounded. */
function timesOf(manifest: Manifest): Map<ByteString, number> {
  return new Map([...manifest].map(([path, { mtimeNs }]) => [path, Number(mtimeNs) / 1000]));
}

test('a vault of everything odd, half of it deleted and the rest edited, comes back, and goes again (F01 to F29)', async () => {
  using vault = openCliVault();
  await buildOddVault(vault);
  const then = captured(vault);
  expect(await vault.run(['snapshot', 'odd'])).toMatchObject({ code: 0 });
  let count = 0;
  for (const [path, { kind, mode }] of then) {
    const full = onDisk(vault.root, path);
    if (kind === 'link' || (kind === 'file' && count++ % 2 === 0)) rmSync(full);
    else if (kind === 'file') {
      chmodSync(full, mode | 0o200);
      appendFileSync(full, 'edited');
    }
  }
  const edited = captured(vault);
  expect(linesOf(edited)).not.toEqual(linesOf(then));

  const back = await vault.json(['rollback', 'odd', '--apply', '--confirm-label=odd']);
  expect(back.last).toMatchObject({ outcome: 'done', problems: [], exit_code: 0 });
  const now = captured(vault);
  expect(linesOf(now)).toEqual(linesOf(then));
  const [thenTimes, nowTimes] = [timesOf(then), timesOf(now)];
  const moved = [...thenTimes].filter(([path, micros]) => Math.abs(micros - nowTimes.get(path)!) > 1);
  expect(moved).toEqual([]);

  const refused = await vault.json(['rollback', '--undo']);
  const { label } = refused.last['data'] as { label: string };
  const undone = await vault.json(['rollback', '--undo', '--apply', `--confirm-label=${label}`]);
  expect(undone.last).toMatchObject({ outcome: 'done', problems: [], exit_code: 0 });
  expect(linesOf(captured(vault))).toEqual(linesOf(edited));
});
