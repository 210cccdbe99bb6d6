import { findUndo } from '../../../src/engine/rollback/find-undo.ts';
import { loadStoreView } from '../../../src/engine/store-view.ts';
import type { Found } from '../../support/folder-manifest.ts';
import { type Content, differences, untouchable } from '../world.ts';
import { judged } from './check-command.ts';
import type { Died, Stage } from './kill-loop.ts';
import type { Lane } from './lane.ts';
import { capturedContent } from '../world.ts';

/** Folders whose contents moved have another time; that is no difference between two states of a vault. */
type State = ReadonlyMap<string, Found>;

/**
 * After a rollback died: the vault is exactly before, exactly after, or `--resume` (or `--abort`, by turns) reaches one of
 * them; nothing else may begin meanwhile; done to its end, `--undo` brings back what was; no acknowledged byte is lost (P6).
 */
export async function checkRollback(lane: Lane, stage: Stage, { scenario, turn, end }: Died): Promise<string[]> {
  const wrong: string[] = [];
  const before = stateOf(stage.live);
  const after = stateOf(lane.kept.get('first')!);
  const now = (): State => stateOf(capturedContent(lane.vault));
  const expectState = (what: string, wanted: State): void => {
    wrong.push(
      ...differences(wanted, now())
        .slice(0, 4)
        .map((line) => `P6: ${what}: ${line}`),
    );
  };
  const isState = (wanted: State): boolean => differences(wanted, now()).length === 0;

  if (await isPending(lane)) {
    const held = await lane.run(['snapshot']);
    if (held.code !== 11) wrong.push(`P6: with a rollback pending a snapshot ended ${held.code}: ${held.err}`);
    const way = turn % 2 === 0 ? '--resume' : '--abort';
    const done = await lane.run(['rollback', way]);
    if (done.code !== 0) wrong.push(`P6: rollback ${way} ended ${done.code}: ${done.err}`);
    expectState(`after ${way}`, way === '--resume' ? after : before);
    if (await isPending(lane)) wrong.push(`P6: still pending after ${way}`);
  } else if (end.code === 0) {
    expectState('it ended 0', after);
  } else if (!isState(before) && !isState(after)) {
    expectState('nothing is pending, and this is neither before nor after', before);
  }
  wrong.push(...gitAndIgnored(lane, stage));
  wrong.push(...(await judged(lane, { kept: stage.kept, live: stage.live })));

  if (!isState(after)) {
    const again = await lane.run(scenario.words);
    if (again.code !== 0) wrong.push(`run again it ended ${again.code}: ${again.err}`);
    expectState('run again', after);
  }
  const label = await undoLabel(lane);
  const undone = await lane.run(['rollback', '--undo', '--apply', `--confirm-label=${label}`]);
  if (undone.code !== 0) wrong.push(`P6: rollback --undo ended ${undone.code}: ${undone.err}`);
  expectState('after --undo', before);
  wrong.push(...gitAndIgnored(lane, stage));
  return wrong;
}

function stateOf(content: Content): State {
  return new Map(
    [...content].map(([path, found]) => [path, found.kind === 'folder' ? { ...found, micros: 0n } : found]),
  );
}

async function isPending(lane: Lane): Promise<boolean> {
  await using session = await lane.openSession();
  return (await session.rollbackJournal.load()) !== null;
}

async function undoLabel(lane: Lane): Promise<string> {
  await using session = await lane.openSession();
  const id = await findUndo(session);
  const { points } = await loadStoreView(session, { refresh: 'always' });
  return points.find(({ record }) => record.id === id)?.record.label ?? `(${id} is no restore point)`;
}

/** What a rollback leaves alone, whatever becomes of it: ignored files and everything of git's. */
function gitAndIgnored(lane: Lane, stage: Stage): string[] {
  const isLeftAlone = (path: string): boolean => /^(?:\.git|node_modules|\.env)(?:\/|$)/.test(path);
  const only = (manifest: Stage['before']) => new Map([...manifest].filter(([path]) => isLeftAlone(path)));
  return differences(only(stage.before), only(untouchable(lane.vault)))
    .slice(0, 3)
    .map((line) => `P4: ${line}`);
}
