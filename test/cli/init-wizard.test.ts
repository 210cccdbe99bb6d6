import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../src/cli/run.ts';
import { fakeIo } from './fake-io.ts';

let folder: string;
let vault: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-wizard-')));
  vault = join(folder, 'vault');
  mkdirSync(join(folder, 'home'));
  mkdirSync(join(vault, '.git'), { recursive: true });
  writeFileSync(join(vault, 'plan.md'), 'the plan\n');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const down = '\u001b[B';
const enter = '\r';

/** Answers each question when it is asked, and only then. */
async function converse(answers: readonly (readonly [question: string, keys: readonly string[]])[], columns: number) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  const base = fakeIo({ cwd: vault, home: join(folder, 'home'), columns, env: { NO_COLOR: '1' } });
  let seen = '';
  const waiting = [...answers];
  const { stderr } = base;
  const write = stderr.write.bind(stderr) as (...args: unknown[]) => boolean;
  stderr.write = (...args: unknown[]) => {
    seen += stripVTControlCharacters(String(args[0]));
    const [next] = waiting;
    if (next !== undefined && seen.includes(`◆  ${next[0]}`)) {
      waiting.shift();
      seen = '';
      setImmediate(() => {
        for (const key of next[1]) stdin.write(key);
      });
    }
    return write(...args);
  };
  const code = await runCommand(['init'], { ...base, stdin });
  expect(waiting).toEqual([]);
  return { code, printed: base.printed(), complained: stripVTControlCharacters(base.complained()) };
}

describe.each([40, 100])('the wizard on %i columns', (columns) => {
  test('asks three things, shows the plan, and writes what was agreed', async () => {
    const { code, printed } = await converse(
      [
        ['Where should snapshots go?', [down, down, enter]],
        ['The full path of the folder', [join(folder, 'store'), enter]],
        ['Should everything be encrypted', [enter]],
        ['How long', [down, enter]],
        ['Who takes', [down, enter]],
        ['Set it up', [enter]],
        ['Add', [enter]],
      ],
      columns,
    );
    expect(code).toBe(0);
    expect(printed).toContain('vault is set up');
    expect(printed).toContain(`*/15 * * * * holdfast snapshot --quiet --vault '${vault}'`);
    const settings = readFileSync(join(vault, 'holdfast.json'), 'utf8');
    expect(settings).toContain(`"store": "file://${join(folder, 'store')}"`);
    expect(settings).toContain('"retention": "all"');
    expect(readFileSync(join(vault, '.gitignore'), 'utf8')).toBe('/_restore/\n');
  });

  test('makes an encrypted store, asking for the passphrase twice and showing it never', async () => {
    const { code, printed, complained } = await converse(
      [
        ['Where should snapshots go?', [down, down, enter]],
        ['The full path of the folder', [join(folder, 'store'), enter]],
        ['Should everything be encrypted', [down, enter]],
        ['How long', [enter]],
        ['Who takes', [enter]],
        ['Set it up', [enter]],
        ['New passphrase', ['correct horse battery', enter]],
        ['The same again', ['correct horse battery', enter]],
        ['Add', [enter]],
      ],
      columns,
    );
    expect(code).toBe(0);
    expect(printed).toMatch(/recovery key\n(?: {4}(?:[0-9a-f]{4}-){3}[0-9a-f]{4}\n){4}/);
    expect(`${printed}${complained}`).not.toContain('correct horse');
    expect(readFileSync(join(vault, 'holdfast.json'), 'utf8')).toContain('"encryption": { "required": true }');
    expect(readFileSync(join(folder, 'store', 'holdfast.json'), 'utf8')).toContain('"aes-256-gcm-stream-64k"');
  });

  test('leaves nothing behind when the plan is declined', async () => {
    const { code, printed } = await converse(
      [
        ['Where should snapshots go?', [enter]],
        ['Should everything be encrypted', [enter]],
        ['How long', [enter]],
        ['Who takes', [enter]],
        ['Set it up', [down, 'n']],
      ],
      columns,
    );
    expect([code, printed.includes('Nothing was written')]).toEqual([0, true]);
    expect(
      ['holdfast.json', '.syncignore', '.gitignore', 'state'].filter((name) => existsSync(join(vault, name))),
    ).toEqual([]);
  });

  test('stops at Ctrl-C', async () => {
    const { code, complained } = await converse([['Where should snapshots go?', ['\u0003']]], columns);
    expect([code, complained.includes('Nothing was written')]).toEqual([130, true]);
    expect(existsSync(join(vault, 'state'))).toBe(false);
  });
});
