import { restoreGuideScript } from '../../format/restore-guide-script.ts';
import { fileNameOfPackKey, packIndexKey } from '../../format/store-layout.ts';
import { encodeRecord } from '../../format/snapshot-record.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { HoldingWriter } from '../../ports/holding-area.ts';
import type { Deps } from '../deps.ts';
import { objectPieces, onePiece } from '../object-pieces.ts';
import { assertHoldingIgnored } from '../restore.ts';
import type { DrillOptions, Rehearsed } from './drill.ts';
import { validate } from './rehearse.ts';

const outputCharsMax = 2000;

/**
 * Copies the packs and the record out of the store, then follows RESTORE.md with stock git and a shell. The commands are those
 * of this program's own guide: nothing that lies in a store is ever run. A store that encrypts is decrypted while it is copied.
 * @throws {HoldfastError} `drill_failed` when git or the shell fails
 */
export async function rehearseWithGit(deps: Deps, options: DrillOptions): Promise<Rehearsed> {
  const { point, signal } = options;
  const startedMs = deps.clock.monotonicMs();
  await deps.holdingArea.prepare();
  await assertHoldingIgnored(deps);
  await using writer = await deps.holdingArea.begin('drill-with-git');
  await copyStore(deps, options, writer);
  const { directory } = await writer.finish({ whole: true });
  deps.events.emit({ type: 'phase_started', phase: 'restore' });
  const ended = await deps.rehearsal.runScript(restoreGuideScript('./store'), { directory, signal });
  signal?.throwIfAborted();
  if (ended.kind !== 'done') {
    throw new HoldfastError('drill_failed', 'Stock git could not restore the snapshot by following RESTORE.md.', {
      hint: `What it got to is in ${deps.holdingArea.name}/. It said: ${ended.output.slice(-outputCharsMax).trim()}`,
      data: { exitCode: ended.exitCode, reason: ended.reason },
    });
  }
  const restoreMs = deps.clock.monotonicMs() - startedMs;
  const components = options.skipValidation
    ? []
    : await validate(deps, options, { directory, folder: `${directory}/recovered` });
  const { files, links, sizeBytes } = point.record.counts;
  return { directory, components, files: files + links, sizeBytes, restoreMs };
}

/** The store as the guide wants it on a disk: every pack, and the record of the one snapshot. */
async function copyStore(deps: Deps, options: DrillOptions, writer: HoldingWriter): Promise<void> {
  const { point, opened, signal } = options;
  deps.events.emit({ type: 'phase_started', phase: 'upload' });
  for (const folder of ['store', 'store/packs', 'store/snapshots', 'store/snapshots/chosen'])
    writer.createFolder(folder);
  const write = (path: string, pieces: AsyncIterable<Uint8Array>): Promise<unknown> =>
    writer.writeFile({ path, permissions: 0o600, mtimeMs: null }, pieces);
  // What waits in the spool is not in the store, and nothing in the store rests on it.
  const waiting = new Set(
    options.points.flatMap(({ where, record }) => (where === 'store' ? [] : record.packs)).map(({ key }) => key),
  );
  for (const { key, sizeBytes } of opened.reader.packs) {
    if (waiting.has(key)) continue;
    const name = fileNameOfPackKey(key);
    await write(`store/packs/${name}`, objectPieces(deps.storage, { key, sizeBytes }, signal));
    await write(`store/packs/${fileNameOfPackKey(packIndexKey(key))}`, wholeOf(deps, packIndexKey(key), signal));
  }
  await write('store/snapshots/chosen/snapshot.json', onePiece(encodeRecord(point.record)));
}

async function* wholeOf(deps: Deps, key: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  yield await deps.storage.get(key, { signal });
}
