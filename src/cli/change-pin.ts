import { setPin } from '../engine/pins.ts';
import { loadStoreView } from '../engine/store-view.ts';
import { displayText } from '../format/display-name.ts';
import { HoldfastError } from '../model/errors.ts';
import { choosePoint, describePoint } from './choose-point.ts';
import type { CommandContext } from './command.ts';
import { exitCodes } from './exit-codes.ts';

/** Does what `pin` and `unpin` have in common: chooses the point, sets the mark, says so. */
export async function changePin(context: CommandContext, change: { readonly pinned: boolean }): Promise<number> {
  const { out, io, signal } = context;
  const [raw = 'latest'] = context.args;
  const { pinned } = change;
  await using deps = await context.openSession();
  const view = await loadStoreView(deps, { refresh: 'always', signal });
  if (view.unreachable !== null) throw view.unreachable;
  const chosen = await choosePoint(view.points, raw, { now: io.now() });
  const { record, where } = chosen.point;
  if (where === 'local') {
    throw new HoldfastError('snapshot_unknown', `The snapshot ${record.id} is on this machine only.`, {
      hint: 'Publish it first with: holdfast snapshot',
    });
  }
  const outcome = await setPin(deps, record.id, { pinned, reason: context.value('reason') ?? null, signal });
  out.result({ command: pinned ? 'pin' : 'unpin', id: record.id, pinned, changed: outcome !== 'unchanged' });
  const what = describePoint(chosen, io.now());
  if (outcome === 'unchanged') out.print(`  ${what} is ${pinned ? 'pinned already' : 'not pinned'}`);
  else out.print(`  ${pinned ? 'pinned' : 'no longer pinned'}: ${what}`);
  if (pinned && outcome !== 'unchanged') out.print(`  To take it back: holdfast unpin ${displayText(record.id)}`);
  return exitCodes.ok;
}
