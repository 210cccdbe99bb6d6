import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { applyPrune } from '../../../src/engine/prune/apply-prune.ts';
import { decideRetention } from '../../../src/engine/prune/decide-retention.ts';
import type { SnapshotId } from '../../../src/model/ids.ts';
import type { RestorePoint } from '../../../src/model/restore-point.ts';
import { sampleRecord, sha256Like } from '../../support/sample-record.ts';
import type { Line, Row } from '../bench.ts';
import { median } from '../measure.ts';
import { folderBytes, resticInit } from '../peer-commands.ts';
import { editedHistory, editHourly, storeBytes } from '../pruned-history.ts';

const hourMs = 3_600_000;
const none = { within: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, labelled: true };
const usual = { within: 48 * hourMs, hourly: 0, daily: 30, weekly: 13, monthly: 12, labelled: true };

export const retentionRow: Row = {
  id: 'P1',
  title: 'what stays and what goes of 10,000 snapshots',
  async run(bench) {
    const nowMs = Date.parse('2026-11-20T12:00:00.000Z');
    const points = Array.from({ length: 10_000 }, (_, age): RestorePoint => {
      const takenAt = new Date(nowMs - age * hourMs).toISOString();
      const id = `${takenAt.slice(0, 19)}Z-auto-desk` as SnapshotId;
      const chain = { sequence: 10_000 - age, previous: null };
      const record = sampleRecord({ id, takenAt, kind: 'auto', complete: true, chain });
      return { record, recordSha256: sha256Like('4'), where: 'store', localDirectory: null };
    });
    const taken = Array.from({ length: Math.max(3, bench.runs) }, () => {
      const startedMs = performance.now();
      decideRetention(points, new Map(), { retention: usual, now: new Date(nowMs) });
      return performance.now() - startedMs;
    });
    const value = median(taken);
    return [{ row: 'P1', what: 'decide', ours: `${value.toFixed(0)} ms`, peer: '', value, unit: 'ms', target: 1000 }];
  },
};

export const prunedBytesRow: Row = {
  id: 'B2',
  title: '1,000 snapshots of small edits, pruned to daily',
  async run(bench) {
    const count = 1000;
    const { vault, storage, clock } = await editedHistory(join(bench.fresh('B2-ours'), 'vault'), count);
    const rules = { retention: { ...none, daily: count } };
    await applyPrune(vault.deps, rules);
    clock.advance(25 * hourMs);
    await applyPrune(vault.deps, rules);
    const ours = storeBytes(storage);
    const { restic } = bench.peers;
    const lines: Line[] = [];
    if (restic === null) return lines;
    const folder = bench.fresh('B2-restic');
    const repository = join(folder, 'repository');
    const env = { ...process.env, RESTIC_PASSWORD: 'bench', RESTIC_PROGRESS_FPS: '0' };
    execFileSync(restic.path, resticInit(restic, repository).argv.slice(1), { env });
    const root = join(folder, 'vault');
    await editHourly(root, {
      count,
      onEdit(takenAt) {
        const time = takenAt.toISOString().slice(0, 19).replace('T', ' ');
        const words = ['backup', '-q', '--no-cache', '-r', repository, '--time', time, '.'];
        execFileSync(restic.path, words, { cwd: root, env });
      },
    });
    const words = ['forget', '-q', '--no-cache', '-r', repository, '--keep-daily', String(count), '--prune'];
    execFileSync(restic.path, words, { env });
    const theirs = folderBytes(repository);
    lines.push({
      row: 'B2',
      what: 'bytes after prune, of restic',
      ours: String(ours),
      peer: String(theirs),
      value: ours / theirs,
      unit: 'x',
      target: 0.5,
    });
    return lines;
  },
};
