import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planJobs } from '../../../../src/adapters/vault/ingest/plan-jobs.ts';
import { filesAndLinks, readVaultTree } from '../../../support/read-vault-tree.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { buildVault } from '../../../support/vault-builder.ts';
import { VaultTree } from '../../../../src/model/vault-tree.ts';

const chunkAbove = 8 * 1024 * 1024;

function treeOfSizes(sizes: readonly number[]): VaultTree {
  const tree = new VaultTree();
  tree.addFolder(-1, -1);
  tree.reserveEntries(sizes.length);
  for (const size of sizes) tree.sizes[tree.entryCount++] = size;
  tree.folderEntryCounts[0] = sizes.length;
  return tree;
}

test('every row is in one job, jobs are bounded, and large files come first and alone', () => {
  const size = fc.oneof(fc.nat(5000), fc.nat(2 * chunkAbove), fc.constantFrom(chunkAbove, chunkAbove + 1));
  fc.assert(
    fc.property(fc.array(size, { maxLength: 600 }), (sizes) => {
      const rows = Uint32Array.from(sizes.keys());
      const { jobs, fileCount, sizeBytes } = planJobs(treeOfSizes(sizes), rows, { chunkAbove });
      expect(jobs.flatMap((job) => [...job.rows]).toSorted((a, b) => a - b)).toEqual([...rows]);
      expect(fileCount).toBe(sizes.length);
      expect(sizeBytes).toBe(sizes.reduce((sum, one) => sum + one, 0));
      const areLarge = jobs.map((job) => sizes[job.rows[0]!]! > chunkAbove);
      expect(areLarge).toEqual(areLarge.toSorted((a, b) => Number(b) - Number(a)));
      for (const { rows: together } of jobs) {
        const bytes = [...together].reduce((sum, row) => sum + sizes[row]!, 0);
        expect(together.length === 1 || (together.length <= 128 && bytes <= 1024 * 1024)).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});

test('a job names its files by their paths, in any order of rows', () => {
  const root = scratchFolder();
  buildVault(root, { top: '1', 'a/x': '1', 'a/b/y': { link: 'x' }, 'z/\u00ff': '1', 'a/empty': null });
  const tree = readVaultTree(root);
  const rows = filesAndLinks(tree).toReversed();
  const job = planJobs(tree, rows, { chunkAbove }).jobs[0]!.makeJob();
  expect(job.paths.split('\0')).toEqual([...rows].map((row) => tree.path(row)));
  expect([...job.inodes]).toEqual([...rows].map((row) => tree.inodes[row]));
  expect([...job.areLinks]).toEqual([...rows].map((row) => (tree.isLink(row) ? 1 : 0)));
});
