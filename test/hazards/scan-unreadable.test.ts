import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ByteString } from '../../src/lib/bytes.ts';
import type { LedgerEntry, Problem } from '../../src/model/problem.ts';
import { scratchFolder } from '../support/scratch.ts';
import { buildVault, cacheOf, filesIn, scanOf } from '../support/vault-builder.ts';

interface Seen {
  readonly files: ByteString[];
  readonly problems: Problem[];
  readonly ledger: LedgerEntry[];
}

/** Scans in a process without the superuser's power to read everything. */
function scanUnprivileged(root: string): Seen {
  const code = `
    import { openWorkingTree } from ${JSON.stringify(join(import.meta.dirname, '../../src/adapters/vault/open-working-tree.ts'))};
    import { entryFlags } from ${JSON.stringify(join(import.meta.dirname, '../../src/model/vault-tree.ts'))};
    const workingTree = openWorkingTree({ root: ${JSON.stringify(root)}, holdingDir: '_restore', stateDir: 'state', gitignore: true,
      allowSecrets: false, oneFileSystem: false, maxFileSize: null, chunkAbove: 1e9, now: Date.now });
    const ignore = { vaultPrefix: '', ignoreCase: false, excludesFile: null, infoExclude: null, outerFolders: [] };
    const { tree, problems, ledger } = await workingTree.scan({ ignore, tracked: null, base: null });
    const files = [];
    for (let row = 0; row < tree.entryCount; row++) {
      if ((tree.flags[row] & entryFlags.absent) === 0 && !tree.isFolder(row)) files.push(tree.path(row));
    }
    console.log(JSON.stringify({ files: files.sort(), problems, ledger }));`;
  const user = process.getuid!() === 0 ? { uid: 65534, gid: 65534 } : {};
  const output = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', code], user);
  return JSON.parse(output.toString()) as Seen;
}

describe('what cannot be read', () => {
  test('F13: an unreadable folder is named, and all else is stored', () => {
    const root = scratchFolder();
    buildVault(root, { 'locked/inside': 'x', 'open/file': 'x', top: 'x' });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'locked'), 0o000);
    const { files, problems, ledger } = scanUnprivileged(root);
    chmodSync(join(root, 'locked'), 0o700);
    expect(files).toEqual(['open/file', 'top']);
    expect(problems).toEqual([{ path: 'locked', code: 'unreadable_folder', message: 'permission denied' }]);
    expect(ledger).toEqual([
      { path: 'locked/', reason: 'unreadable', source: '', fileCount: 0, sizeBytes: 0, atLeast: true },
    ]);
  });

  test('F13: a folder that can be listed but not searched is one problem, not one a file', () => {
    const root = scratchFolder();
    buildVault(root, { 'locked/a': 'x', 'locked/b': 'x', top: 'x' });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'locked'), 0o644);
    const { files, problems } = scanUnprivileged(root);
    chmodSync(join(root, 'locked'), 0o700);
    expect(files).toEqual(['top']);
    expect(problems).toEqual([{ path: 'locked', code: 'unreadable_folder', message: 'permission denied' }]);
  });

  test('F12: a file without permissions is still scanned; reading it is what fails', () => {
    const root = scratchFolder();
    buildVault(root, { locked: 'x' });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'locked'), 0o000);
    expect(scanUnprivileged(root).files).toEqual(['locked']);
  });

  test('a vault that is gone is an error, never an empty scan', async () => {
    const root = scratchFolder();
    buildVault(root, { 'vault/file': 'x', plain: 'x' });
    const first = await scanOf(join(root, 'vault'));
    rmSync(join(root, 'vault'), { recursive: true });
    await expect(scanOf(join(root, 'vault'), { base: cacheOf(first) })).rejects.toMatchObject({
      code: 'vault_missing',
    });
    await expect(scanOf(join(root, 'plain'))).rejects.toMatchObject({ code: 'vault_missing' });
    expect(filesIn(first.tree)).toEqual(['file']);
  });
});
