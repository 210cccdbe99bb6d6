import { describe, expect, test } from 'vitest';
import { openOutput } from '../../src/cli/output.ts';
import { createNdjsonReporter } from '../../src/cli/reporters/ndjson.ts';
import { createTextReporter } from '../../src/cli/reporters/text.ts';
import { byteStringOf } from '../../src/lib/bytes.ts';
import type { HoldfastEvent } from '../../src/model/events.ts';
import type { SnapshotId } from '../../src/model/ids.ts';
import { fakeIo, type FakeIoOptions } from './fake-io.ts';

type Step = readonly [atMs: number, event: HoldfastEvent];

const progress = (done: number, total: number | null = 100): HoldfastEvent => ({
  type: 'progress',
  phase: 'upload',
  done,
  total,
  unit: 'files',
});

async function report(steps: readonly Step[], options: FakeIoOptions = {}): Promise<string> {
  const io = fakeIo({ env: { NO_COLOR: '1' }, ...options });
  const control = await openOutput(io, { json: false, quiet: false, color: true });
  let nowMs = 0;
  const reporter = createTextReporter(control.output, { now: () => nowMs });
  for (const [atMs, event] of steps) {
    nowMs = atMs;
    reporter.emit(event);
  }
  await control.close();
  expect(io.printed()).toBe('');
  return io.complained();
}

describe('the text reporter', () => {
  const steps: readonly Step[] = [
    [0, { type: 'phase_started', phase: 'upload' }],
    [500, progress(5)],
    [1_100, progress(10)],
    [1_150, progress(11)],
    [4_000, progress(40)],
    [5_000, { type: 'phase_finished', phase: 'upload', durationMs: 5_000 }],
  ];

  test('rewrites one line on a terminal, once a phase lasts over a second', async () => {
    expect(await report(steps, { columns: 80 })).toBe(
      [
        '\r\u001b[K  uploading: 10% (10 of 100 files)',
        '\r\u001b[K  uploading: 40%, about 6.0 s left (40 of 100 files)',
        '\r\u001b[K',
      ].join(''),
    );
  });

  test('never fills the width, where a terminal would wrap', async () => {
    for (const columns of [20, 40]) {
      for (const line of (await report(steps, { columns })).split('\r\u001b[K')) {
        expect(line.length).toBeLessThan(columns);
      }
    }
  });

  test('says nothing of what is quick', async () => {
    expect(await report(steps.slice(0, 2), { columns: 80 })).toBe('');
  });

  test.each<[string, FakeIoOptions]>([
    ['a pipe', {}],
    ['a dumb terminal', { columns: 80, env: { TERM: 'dumb' } }],
  ])('writes seldom plain lines to %s', async (_name, options) => {
    expect(await report(steps, options)).toBe('');
    const slow: readonly Step[] = [
      ...steps.slice(0, 5),
      [16_000, progress(50)],
      [17_000, progress(51)],
      [40_000, progress(80)],
    ];
    expect(await report(slow, options)).toBe(
      'uploading: 50%, about 16 s left (50 of 100 files)\nuploading: 80%, about 10 s left (80 of 100 files)\n',
    );
  });

  test('shows counts where the whole is unknown', async () => {
    const unknown: readonly Step[] = [
      [0, progress(0, null)],
      [2_000, progress(12_408, null)],
    ];
    expect(await report(unknown, { columns: 80 })).toContain('uploading: 12,408 files');
  });

  test('tells a notice once, beside the live line', async () => {
    const notice: HoldfastEvent = {
      type: 'notice_given',
      notice: { code: 'cleaned_up', message: 'cleaned\u001b[2J up' },
    };
    const told = await report([...steps.slice(0, 3), [1_200, notice], [1_201, notice]], { columns: 80 });
    expect(told.match(/note:/g)).toHaveLength(1);
    expect(told).toContain(String.raw`note: cleaned\x1b[2J up`);
  });
});

test('the NDJSON reporter gives every event a line, names their bytes', async () => {
  const io = fakeIo();
  const control = await openOutput(io, { json: true, quiet: false, color: true });
  const reporter = createNdjsonReporter(control.output);
  const path = byteStringOf(Uint8Array.of(0x61, 0xff));
  reporter.emit({ type: 'phase_started', phase: 'scan' });
  reporter.emit({ type: 'problem_found', problem: { path, code: 'unreadable_file', message: 'permission denied' } });
  reporter.emit({ type: 'file_restored', path: 'a\u009b\u007f' });
  reporter.emit({ type: 'phase_finished', phase: 'scan', durationMs: 12 });
  reporter.emit({ type: 'request_retried', reason: 'busy', delayMs: 5 });
  reporter.emit({ type: 'snapshot_published', id: '2026-11-20T14:03:11Z-x' as SnapshotId, waited: true });
  control.finish({ type: 'result', exitCode: 0, fields: {} });
  await control.close();
  expect(io.json()).toEqual([
    { schema: 1, type: 'phase_started', phase: 'scan' },
    {
      schema: 1,
      type: 'problem_found',
      path: 'a\ufffd',
      path_b64: 'Yf8=',
      code: 'unreadable_file',
      message: 'permission denied',
    },
    { schema: 1, type: 'file_restored', path: 'a\ufffd\u007f', path_b64: 'YZt/' },
    { schema: 1, type: 'phase_finished', phase: 'scan', duration_ms: 12 },
    { schema: 1, type: 'request_retried', reason: 'busy', delay_ms: 5 },
    { schema: 1, type: 'snapshot_published', id: '2026-11-20T14:03:11Z-x', waited: true },
    { schema: 1, type: 'result', exit_code: 0 },
  ]);
  expect(io.printed()).not.toMatch(/[\u007f-\u009f]/);
});

describe('colours', () => {
  const painted = async (options: FakeIoOptions, color = true) => {
    const { output } = await openOutput(fakeIo(options), { json: false, quiet: false, color });
    return output.paint('red', 'x') !== 'x';
  };

  test.each<[FakeIoOptions, boolean]>([
    [{}, false],
    [{ columns: 80 }, true],
    [{ columns: 80, env: { NO_COLOR: '1' } }, false],
    [{ columns: 80, env: { NO_COLOR: '' } }, true],
    [{ env: { FORCE_COLOR: '1' } }, true],
    [{ env: { FORCE_COLOR: '1', NO_COLOR: '1' } }, false],
    [{ columns: 80, env: { FORCE_COLOR: '0' } }, false],
    [{ columns: 80, env: { TERM: 'dumb' } }, false],
  ])('%j', async (options, expected) => {
    expect(await painted(options)).toBe(expected);
    expect(await painted(options, false)).toBe(false);
  });
});
