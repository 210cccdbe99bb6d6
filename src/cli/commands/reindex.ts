import { reindex } from '../../engine/reindex.ts';
import { formatCount, formatCounted } from '../../format/size.ts';
import { exitCodeOfInvalid, printInvalidRecords } from '../print-invalid-records.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

export const command: Command = {
  name: 'reindex',
  summary: 'rebuild the local index from the store',
  description: [
    'Makes the snapshot index in the vault agree with the store: what the index lacks is added, nothing is ever edited or ' +
      'removed. Snapshots that are gone from the store are accepted as gone, and the next snapshot checks again that the ' +
      'store holds every file.',
  ],
  arguments: [],
  options: [],
  examples: [{ command: 'holdfast reindex', means: 'after the index was lost or damaged' }],
  async run({ out, signal, openSession }) {
    await using deps = await openSession();
    const report = await reindex(deps, { signal });
    const { snapshots, added, accepted, invalid } = report;
    out.result({ command: 'reindex', snapshots, added, accepted_as_gone: accepted, invalid });
    const rows = added === 0 ? 'the index already had them all' : `${formatCount(added)} added to the index`;
    out.print(`  ${out.paint('green', '●')} ${formatCounted(snapshots, 'snapshot')} in the store, ${rows}`);
    if (accepted > 0) out.print(`  ${formatCount(accepted)} that were seen before are gone and no longer expected`);
    printInvalidRecords(out, invalid);
    return invalid.length === 0 ? exitCodes.ok : exitCodeOfInvalid(invalid);
  },
};
