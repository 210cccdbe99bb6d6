import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openProgramRunner } from '../../../src/adapters/process/open-program-runner.ts';
import { createRedactor } from '../../../src/format/redact.ts';
import { scratchFolder } from '../../support/scratch.ts';

const env = { PATH: process.env['PATH'], AWS_SECRET_ACCESS_KEY: 'a-very-secret-key', HOLDFAST_KEY: 'the passphrase' };
const runner = openProgramRunner({ env, redact: createRedactor(env) });

function sh(script: string, options: { timeoutMs?: number; input?: string; signal?: AbortSignal } = {}) {
  return runner.run({ words: ['sh', '-c', script], cwd: '/', timeoutMs: 30_000, ...options });
}

test('gives input, environment and folder, and keeps what was printed, without secrets', async () => {
  const end = await runner.run({
    words: ['sh', '-c', 'pwd; cat; echo "$FACT $AWS_SECRET_ACCESS_KEY [$HOLDFAST_KEY]" >&2; exit 3'],
    cwd: '/',
    env: { FACT: 'of the matter' },
    input: 'read me\n',
    timeoutMs: 30_000,
  });
  expect(end).toMatchObject({ kind: 'failed', exitCode: 3, reason: null });
  expect(end.output).toContain('/\nread me\n');
  expect(end.output).toContain('of the matter [redacted] []');
});

test('keeps the last 64 KiB of a program that never stops talking', async () => {
  const end = await sh('i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done');
  expect(end.kind).toBe('done');
  expect(end.output.length).toBe(64 * 1024);
  expect(end.output.endsWith('line 19999\n')).toBe(true);
});

test('Q10: past its time limit a program goes, and everything it started with it', async () => {
  const folder = scratchFolder();
  const pids = join(folder, 'pids');
  // The child ignores the polite signal, so only the hard one ends it.
  const script = `(trap "" TERM; echo $$ > ${pids}; while :; do sleep 0.02; done) & wait`;
  const end = await sh(script, { timeoutMs: 300 });
  expect(end.kind).toBe('timed_out');
  const group = Number(readFileSync(pids, 'utf8'));
  const rows = execFileSync('ps', ['-A', '-o', 'pgid=,stat='], { encoding: 'utf8' }).split('\n');
  // What is dead and not yet collected by its parent is no longer running.
  const running = rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([pgid, stat]) => Number(pgid) === group && !stat!.startsWith('Z'));
  expect(running).toEqual([]);
});

test('stops when asked to', async () => {
  const controller = new AbortController();
  const ending = sh('echo begun; sleep 600', { signal: controller.signal });
  controller.abort();
  expect((await ending).kind).toBe('stopped');
});

test('Q11: a program that is not there, cannot be run, or has an impossible name is an answer, not an exception', async () => {
  for (const word of ['no-such-program-anywhere', '/', 'a\0b']) {
    const end = await runner.run({ words: [word], cwd: '/', timeoutMs: 1000 });
    expect(end).toMatchObject({ kind: 'not_started', exitCode: null });
  }
});

test('does not wait for what a program leaves running, nor for input nobody reads', async () => {
  const mark = join(scratchFolder(), 'mark');
  const end = await sh(`(sleep 600 & echo $! > ${mark}); exit 0`, { input: 'x'.repeat(1_000_000) });
  expect(end.kind).toBe('done');
  expect(existsSync(mark)).toBe(true);
  process.kill(Number(readFileSync(mark, 'utf8')));
});
