import { expect, test } from 'vitest';
import { decodeHeartbeat, encodeHeartbeat } from '../../src/format/heartbeat.ts';
import type { Heartbeat } from '../../src/model/heartbeat.ts';

const at = '2026-03-01T09:00:00.000Z';
const heartbeat: Heartbeat = {
  pid: 42,
  processStart: 'boot:17',
  startedAt: at,
  writtenAt: at,
  stoppedAt: null,
  sees: 'polling',
  watchedFolders: 7,
  limit: { code: 'ENOSPC', unwatched: 3, remedy: 'sysctl' },
  changesSince: at,
  pause: null,
  waiting: 2,
  lastLookAt: at,
  lastSnapshot: { id: '2026-03-01T09-00-00Z-auto-desk', at, where: 'local' },
  lastError: { at, code: 'disk_full', message: 'The disk is full.' },
  nextJob: { name: 'verify', dueAt: at },
  nextRescanAt: at,
};

test('what is written is read back', () => {
  expect(decodeHeartbeat(encodeHeartbeat(heartbeat))).toEqual(heartbeat);
});

test('a message too long or half a character is clipped, never refused', () => {
  const long = { ...heartbeat, lastError: { at, code: 'local_io', message: `\ud800${'x'.repeat(9000)}` } };
  expect(decodeHeartbeat(encodeHeartbeat(long))!.lastError!.message).toHaveLength(2000);
});

test('anything damaged says nothing of a watcher', () => {
  const bytes = encodeHeartbeat(heartbeat);
  for (let i = 0; i < bytes.length; i += 7) {
    const damaged = Uint8Array.from(bytes);
    damaged[i]! ^= 1;
    expect(decodeHeartbeat(damaged)).toBeNull();
  }
  expect(decodeHeartbeat(new Uint8Array(0))).toBeNull();
});
