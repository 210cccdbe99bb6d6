import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCliVault, type CliVault } from '../support/cli-vault.ts';

describe('Q13 Q14: where the output goes', () => {
  let vault: CliVault;

  beforeAll(async () => {
    vault = openCliVault(Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`a rather long name ${n}`, ''])));
    expect(await vault.run(['snapshot', 'x'])).toMatchObject({ code: 0 });
  });

  afterAll(() => vault[Symbol.dispose]());

  test('a reader that takes one line and goes: a quiet end', async () => {
    const pipe = ['bash', '-c', 'set -o pipefail; "$@" | head -1', 'bash'];
    for (const args of [['ls', '-r'], ['ls', '-r', '--json'], ['status']]) {
      const { code, err } = await vault.run(args, { through: pipe });
      expect([args[0], code, err]).toEqual([args[0], 0, expect.not.stringContaining('rror')]);
    }
  });

  test('closed stdout and stderr: the snapshot is taken all the same', async () => {
    const closed = ['sh', '-c', 'exec "$@" >&- 2>&-', 'sh'];
    vault.write({ 'one more': 'x' });
    expect([0, 141]).toContain((await vault.run(['snapshot', 'unheard'], { through: closed })).code);
    expect((await vault.json(['list'])).lines.map((line) => line['label'])).toContain('unheard');
    const full = ['sh', '-c', 'exec "$@" >/dev/full 2>/dev/full', 'sh'];
    expect((await vault.run(['list'], { through: full })).code).toBe(0);
  });

  test.each([
    ['no terminal', {}],
    ['TERM=dumb', { TERM: 'dumb', FORCE_COLOR: undefined }],
    ['NO_COLOR', { NO_COLOR: '1', COLUMNS: '20' }],
    ['a 20-column terminal that is none', { COLUMNS: '20', TERM: 'xterm-256color' }],
  ])('%s: plain lines without any control code', async (_what, env) => {
    for (const args of [['snapshot', 'plain'], ['status'], ['restore', 'one more']]) {
      const { out, err, code } = await vault.run(args, { env });
      expect(code).toBe(0);
      expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
  });
});
