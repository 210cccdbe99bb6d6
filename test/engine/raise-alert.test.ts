import { describe, expect, test } from 'vitest';
import { createAlertExtension, slowAlert } from '../../src/engine/alert-extension.ts';
import { ledgerGrowth } from '../../src/engine/ledger-growth.ts';
import { raiseAlert } from '../../src/engine/raise-alert.ts';
import { takeSnapshot } from '../../src/engine/take-snapshot.ts';
import type { Deps } from '../../src/engine/deps.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import type { AlertMessage } from '../../src/ports/notifier.ts';
import { createMemoryStorage } from '../support/memory-storage.ts';
import { sampleRecord } from '../support/sample-record.ts';
import { scratchFolder } from '../support/scratch.ts';
import { openTestVault, type TestVault } from '../support/test-vault.ts';

function watched(): { vault: TestVault; deps: Deps; sent: AlertMessage[]; beats: () => number } {
  const vault = openTestVault({ root: scratchFolder(), storage: createMemoryStorage() });
  const sent: AlertMessage[] = [];
  let beats = 0;
  const notifier: Deps['notifier'] = {
    send: async (message) => {
      sent.push(message);
      return [
        { channel: 'desktop', outcome: 'delivered', detail: 'ended well' },
        { channel: 'webhook', outcome: 'failed', detail: 'it answered HTTP 500' },
      ];
    },
    beat: async () => {
      beats++;
      return { channel: 'heartbeat', outcome: 'delivered', detail: 'answered' };
    },
  };
  return { vault, deps: { ...vault.deps, notifier }, sent, beats: () => beats };
}

const failed = new HoldfastError('disk_full', 'The disk below "/home/ada/secret name" is full.');
const away = new HoldfastError('storage_unavailable', 'The store does not answer.');
const { signal } = new AbortController();
const minute = 60_000;
const thresholds = {
  storeAwayMs: 30 * minute,
  staleMs: 24 * 60 * minute,
  unpushedMs: 240 * minute,
  warnUnpushed: true,
};

describe('alerts', () => {
  test('one of a kind is sent once in a while, also across restarts; what was held back is counted', async () => {
    const { vault, deps, sent } = watched();
    const alert = createAlertExtension(deps, thresholds);
    await alert.afterFailure!(failed, signal);
    await alert.afterFailure!(failed, signal);
    // The next process of this machine.
    await createAlertExtension(deps, thresholds).afterFailure!(failed, signal);
    expect(sent).toHaveLength(1);
    vault.clock.advance(61 * minute);
    await alert.afterFailure!(failed, signal);
    expect(sent).toHaveLength(2);
    expect(sent[1]!.text).toContain('2 more like it');
  });

  test('hold no names of files, and land in the index with what failed', async () => {
    const { deps, sent } = watched();
    await createAlertExtension(deps, thresholds).afterFailure!(failed, signal);
    expect(JSON.stringify(sent)).not.toContain('secret name');
    expect(sent[0]).toMatchObject({ kind: 'failure', severity: 'critical', vault: 'notes', machine: 'desk' });
    const { rows } = await deps.snapshotIndex.read();
    expect(rows.at(-1)!.event).toEqual({
      event: 'alert',
      kind: 'failure',
      severity: 'critical',
      text: 'snapshots fail',
      delivered: ['desktop'],
      failed: ['webhook: it answered HTTP 500'],
    });
  });

  test('a hook that failed is told, though the snapshot was taken', async () => {
    const { vault, deps, sent } = watched();
    vault.write('note', 'x');
    const hooks: Deps['hooks'] = {
      run: async ({ name }) =>
        name === 'preSnapshot' ? [{ program: 'dump', kind: 'failed', message: 'ended with code 1' }] : [],
    };
    const outcome = await takeSnapshot({ ...deps, hooks }, { label: null, kind: 'auto' });
    expect(outcome).toMatchObject({ kind: 'taken', notices: [{ code: 'hook_failed' }] });
    await createAlertExtension(deps, thresholds).afterSnapshot!(outcome, signal);
    expect(sent).toMatchObject([{ kind: 'failure', title: 'a hook failed' }]);
  });

  test('a store that is away for a while is no alert, one that stays away is', async () => {
    const { vault, deps, sent } = watched();
    const alert = createAlertExtension(deps, thresholds);
    await alert.afterFailure!(away, signal);
    vault.clock.advance(29 * minute);
    await alert.afterFailure!(away, signal);
    expect(sent).toEqual([]);
    vault.clock.advance(2 * minute);
    await alert.afterFailure!(away, signal);
    expect(sent).toMatchObject([{ kind: 'failure' }]);
  });

  test('a day without a good look is stale; a good one is not, and calls the heartbeat', async () => {
    const { vault, deps, sent, beats } = watched();
    vault.write('note', 'x');
    const alert = createAlertExtension(deps, thresholds);
    vault.clock.advance(23 * 60 * minute);
    await alert.afterSnapshot!(await takeSnapshot(deps, { label: null, kind: 'auto' }), signal);
    expect(beats()).toBe(1);
    vault.clock.advance(23 * 60 * minute);
    await alert.tick!(signal);
    expect(sent).toEqual([]);
    vault.clock.advance(2 * 60 * minute);
    await alert.tick!(signal);
    expect(sent).toMatchObject([{ kind: 'stale' }]);
  });

  test('a clock that was set back does not silence them', async () => {
    const { vault, deps, sent } = watched();
    const alert = { kind: 'burst', severity: 'critical', title: 't', text: 't', remedy: '' } as const;
    await raiseAlert(deps, alert);
    vault.clock.advance(-minute);
    await raiseAlert(deps, alert);
    expect(sent).toHaveLength(2);
  });

  test('a snapshot is slow against this machine’s own others', () => {
    const record = sampleRecord();
    const rows = Array.from({ length: 12 }, (_, i) => ({
      machine: record.machine.id,
      event: { event: 'snapshot', id: `other-${i}`, durationMs: 15_000 + i },
    })) as never;
    expect(slowAlert(59_000, rows, record)).toBeNull();
    expect(slowAlert(70_000, rows, record)).toBeNull();
    expect(slowAlert(90_000, rows, record)).toMatchObject({ kind: 'slow' });
    expect(slowAlert(90_000, [], record)).toBeNull();
  });

  test('the unprotected set grows when new rules leave much out, not when known folders fill', () => {
    const record = sampleRecord();
    const entry = {
      path: 'node_modules/',
      reason: 'gitignore',
      source: '',
      fileCount: 500,
      sizeBytes: 1e6,
      atLeast: false,
    } as const;
    const before = { ...record, ledger: [entry] };
    expect(ledgerGrowth(before, { ...record, ledger: [{ ...entry, fileCount: 90_000 }] })).toBeNull();
    const more = { ...entry, path: 'photos/', fileCount: 3000, sizeBytes: 9e9 };
    expect(ledgerGrowth(before, { ...record, ledger: [entry, more] })).toEqual({ files: 3000, sizeBytes: 9e9 });
  });
});
