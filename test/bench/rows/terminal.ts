import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Line, Row } from '../bench.ts';
import { forgedPoints } from '../forged-points.ts';
import { ms } from './capture.ts';

const launcher = resolve(import.meta.dirname, '../../../bin/holdfast.js');
const points = 10_000;
const keys = 200;

/** T1 and T2, through a real pseudo terminal (`script` makes it): what a person waits for. */
export const terminal: Row = {
  id: 'T1',
  title: `terminal UI with ${points.toLocaleString('en')} restore points: first frame, key to frame (T2)`,
  async run(bench) {
    const vault = await forgedPoints(join(bench.folder, 'T1'), points);
    const starts: number[] = [];
    for (let i = 0; i < bench.runs + 1; i++) {
      const terminalUi = openTerminal(vault);
      starts.push(await terminalUi.until('the newest'));
      await terminalUi.quit();
    }
    const warm = starts.slice(1).toSorted((a, b) => a - b);
    const terminalUi = openTerminal(vault);
    await terminalUi.until('the newest');
    // What a person does while it still reads what is older counts too.
    const waits: number[] = [];
    for (let i = 0; i < keys; i++) waits.push(await terminalUi.press(i % 40 < 30 ? 'j' : ' '));
    await terminalUi.quit();
    const sorted = waits.toSorted((a, b) => a - b);
    const first = warm[Math.floor(warm.length / 2)]!;
    const p95 = sorted[Math.floor(sorted.length * 0.95)]!;
    const lines: Line[] = [
      {
        row: 'T1',
        what: 'start to first frame, median',
        ours: ms(first),
        peer: '',
        value: first,
        unit: 'ms',
        target: 350,
      },
      { row: 'T2', what: 'key to frame, 95th percentile', ours: ms(p95), peer: '', value: p95, unit: 'ms', target: 16 },
    ];
    return lines;
  },
};

interface Terminal {
  /** Milliseconds from the start until this text was drawn. */
  until(text: string): Promise<number>;
  /** Milliseconds from a key until something was drawn. */
  press(key: string): Promise<number>;
  quit(): Promise<void>;
}

function openTerminal({ vault, home, store }: { vault: string; home: string; store: string }): Terminal {
  const command = `stty rows 40 cols 120; exec '${process.execPath}' '${launcher}' --vault '${vault}' --store '${store}'`;
  const startedMs = performance.now();
  const { CI: _ci, NO_COLOR: _noColor, ...env } = process.env;
  const child: ChildProcessWithoutNullStreams = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: vault,
    env: { ...env, HOME: home, XDG_DATA_HOME: join(home, 'data'), TERM: 'xterm-256color' },
  });
  let drawn = '';
  let onData: () => void = () => {};
  let onEnd: () => void = () => {};
  child.once('close', () => onEnd());
  child.stdout.on('data', (chunk: Buffer) => {
    drawn += chunk.toString();
    onData();
  });
  const seen = async (isSeen: () => boolean): Promise<number> =>
    new Promise((done, fail) => {
      onEnd = () => fail(new Error(`the terminal UI ended early: ${drawn.slice(-400)}`));
      onData = () => {
        if (isSeen()) done(performance.now());
      };
      onData();
    });
  return {
    until: async (text) => (await seen(() => drawn.includes(text))) - startedMs,
    async press(key) {
      await settle();
      drawn = '';
      const pressedMs = performance.now();
      child.stdin.write(key);
      return (await seen(() => drawn !== '')) - pressedMs;
    },
    async quit() {
      const ended = new Promise((done) => {
        child.once('exit', done);
      });
      child.stdin.write('q');
      await ended;
    },
  };
}

/** A person types no faster than a key repeats. */
async function settle(): Promise<void> {
  await new Promise((done) => {
    setTimeout(done, 33);
  });
}
