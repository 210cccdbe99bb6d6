import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CliVault, openCliVault } from '../support/cli-vault.ts';
import { startWatchProcess } from '../support/watch-cli.ts';

function openVault(contents: Parameters<typeof openCliVault>[0] = { note: 'a note\n' }): CliVault {
  const vault = openCliVault(contents);
  onTestFinished(() => vault[Symbol.dispose]());
  return vault;
}

/** Nothing half captured, nothing half uploaded, nothing missed. */
async function expectWhole(vault: CliVault): Promise<void> {
  expect(await vault.run(['verify', '--full'])).toMatchObject({ code: 0 });
  expect((await vault.json(['list'])).lines.filter((line) => line['where'] === 'local')).toEqual([]);
  expect(await missedBy(vault)).toEqual([]);
}

/** Where the newest snapshot and the disk differ, our own log aside: it grows with each command. */
async function missedBy(vault: CliVault): Promise<string[]> {
  const { lines } = await vault.json(['diff']);
  const paths = lines.flatMap((line) => (line['type'] === 'change' ? [String(line['path'])] : []));
  return paths.filter((path) => !path.startsWith('state/'));
}

/** Files of the private state that only exist while something is under way. */
function leftovers(vault: CliVault): string[] {
  const names = readdirSync(join(vault.root, 'state/.holdfast'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /(?:tmp|\.lock|lock\.json)$/.test(name));
}

describe('a signal to the watcher', () => {
  test.each([
    ['Q09', 'SIGINT', 130],
    ['Q10', 'SIGTERM', 143],
    ['Q10', 'SIGHUP', 129],
  ] as const)('%s: %s ends it with %i within 5 s, the lock free and nothing half done', async (_row, signal, code) => {
    const vault = openVault();
    const watch = startWatchProcess(vault);
    await watch.next('ready');
    vault.write({ note: 'another\n' });
    await watch.next('taken');
    const startedMs = performance.now();
    expect((await watch.end(signal)).code).toBe(code);
    // The limit that is promised; it takes a few milliseconds.
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(leftovers(vault)).toEqual([]);
    await expectWhole(vault);
    const again = startWatchProcess(vault);
    await again.next('ready');
    expect((await again.end('SIGTERM')).code).toBe(143);
  });

  test('Q09: SIGINT twice at once ends it with 130, and the next watcher goes on', async () => {
    const vault = openVault();
    const watch = startWatchProcess(vault, { quietPeriod: '10s' });
    await watch.next('ready');
    vault.write({ note: 'not yet captured\n' });
    watch.child.kill('SIGINT');
    expect((await watch.end('SIGINT')).code).toBe(130);
    const again = startWatchProcess(vault);
    await again.next('ready');
    expect((await again.end('SIGTERM')).code).toBe(143);
    await expectWhole(vault);
  });
});

describe('watchers of one vault', () => {
  test('X01 Q01 Q12: a second is refused with 10 and the pid; killed, the first one is succeeded at once', async () => {
    const vault = openVault();
    const first = startWatchProcess(vault);
    await first.next('ready');
    const second = await vault.run(['watch']);
    expect(second.code).toBe(10);
    expect(second.err).toContain(`pid ${first.child.pid}`);
    vault.write({ note: 'captured\n' });
    await first.next('taken');
    // As the kernel does when memory is out: no goodbye, and the heartbeat still names the dead process.
    expect((await first.end('SIGKILL')).signal).toBe('SIGKILL');
    vault.write({ note: 'while nobody watched\n' });
    const third = startWatchProcess(vault);
    await third.next('ready');
    expect(third.lines.filter(({ event }) => event === 'taken')).toHaveLength(1);
    expect((await third.end('SIGTERM')).code).toBe(143);
    await expectWhole(vault);
  });

  test('Q01 Q12: killed in the middle of its first look or capture, it is succeeded by one that misses nothing', async () => {
    const vault = openVault(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`d${n % 20}/f${n}`, `${n}`])));
    const first = startWatchProcess(vault);
    await first.next('ready');
    for (let n = 0; n < 500; n++) writeFileSync(join(vault.root, `d${n % 20}/f${n}`), `changed ${n}`);
    const spool = join(vault.root, 'state/.holdfast/spool');
    while (
      !existsSync(spool) ||
      readdirSync(spool, { recursive: true }).every((name) => !String(name).includes('draft'))
    ) {
      if (first.lines.some(({ event }) => event === 'taken')) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await first.end('SIGKILL');
    const next = startWatchProcess(vault);
    await next.next('ready');
    expect((await next.end('SIGTERM')).code).toBe(143);
    await expectWhole(vault);
  });
});

test('X08: while the user commits, changes branches and rebases, every snapshot is whole and the last one is the disk', async () => {
  const vault = openVault({ '.gitignore': 'state/\n', 'a.md': 'a\n', 'b.md': 'b\n' });
  vault.git('init', '-q', '-b', 'main');
  vault.git('add', '.');
  vault.git('commit', '-q', '-m', 'first');
  const watch = startWatchProcess(vault);
  await watch.next('ready');
  for (let round = 0; round < 6; round++) {
    vault.git('checkout', '-q', '-b', `work-${round}`);
    vault.write({ [`work-${round}.md`]: `work ${round}\n` });
    vault.git('add', '.');
    vault.git('commit', '-q', '-m', `work ${round}`);
    vault.git('checkout', '-q', 'main');
    vault.write({ 'a.md': `a ${round}\n` });
    vault.git('commit', '-q', '-a', '-m', `main ${round}`);
    vault.git('checkout', '-q', `work-${round}`);
    vault.git('rebase', '-q', 'main');
    vault.git('checkout', '-q', 'main');
    vault.git('merge', '-q', `work-${round}`);
  }
  vault.git('gc', '-q', '--prune=now');
  vault.write({ 'last.md': 'the last change\n' });
  let missed = ['last.md'];
  while (missed.includes('last.md')) {
    await watch.next('taken');
    missed = await missedBy(vault);
  }
  expect((await watch.end('SIGTERM')).code).toBe(143);
  expect(watch.lines.filter(({ event }) => event === 'failed')).toEqual([]);
  await expectWhole(vault);
});

test('C03: in a zone of its own hours, ids and times are of UTC', async () => {
  const vault = openVault();
  const watch = startWatchProcess(vault, { env: { TZ: 'Australia/Lord_Howe' } });
  const startedAt = new Date().toISOString();
  const { id, at } = await watch.next('taken');
  expect((await watch.end('SIGTERM')).code).toBe(143);
  expect(String(at)).toMatch(/Z$/);
  const isNow = String(id).slice(0, 13) >= startedAt.slice(0, 13) && String(id).slice(0, 19) <= String(at).slice(0, 19);
  expect([id, isNow]).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ-/), true]);
});

/** Runs in a mount namespace where the vault cannot be written to, besides one folder of it. */
function onReadOnlyVault(root: string, besides: string | null): string[] {
  const keep = besides === null ? '' : `mount --bind "$0/${besides}" "$0/${besides}" && `;
  const script = `mount --bind "$0" "$0" && ${keep}mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"`;
  return ['unshare', '-m', 'sh', '-c', script, root];
}

describe('Q08: a vault on a read-only disk', () => {
  test('with its state folder on another: snapshots and a watcher work', async () => {
    const vault = openVault({ note: 'a note\n', state: null });
    const through = onReadOnlyVault(vault.root, 'state');
    expect(await vault.run(['snapshot', 'x'], { through })).toMatchObject({ code: 0 });
    const watch = startWatchProcess(vault, { through });
    await watch.next('ready');
    vault.write({ note: 'changed from elsewhere\n' });
    await watch.next('taken');
    expect((await watch.end('SIGTERM')).code).toBe(143);
    await expectWhole(vault);
  });

  test('with its state folder on it: 9, and why', async () => {
    const vault = openVault({ note: 'a note\n', state: null });
    for (const command of [['snapshot', 'x'], ['watch']]) {
      const { code, err } = await vault.run(command, { through: onReadOnlyVault(vault.root, null) });
      expect([code, err]).toEqual([9, expect.stringMatching(/EROFS/)]);
    }
  });
});

describe('W4: what comes in a burst', () => {
  const count = 5000;

  async function openWatched() {
    const files: Record<string, string> = { '.gitignore': 'node_modules/\n' };
    for (let n = 0; n < 200; n++) files[`docs/d${n % 20}/note-${n}.md`] = `note ${n}\n`;
    const vault = openVault(files);
    vault.git('init', '-q', '-b', 'main');
    vault.git('add', '.');
    vault.git('commit', '-q', '-m', 'one');
    vault.git('checkout', '-q', '-b', 'other');
    for (let n = 0; n < 200; n += 2) writeFileSync(join(vault.root, `docs/d${n % 20}/note-${n}.md`), `other ${n}\n`);
    rmSync(join(vault.root, 'docs/d1'), { recursive: true });
    vault.write({ 'docs/only-there/deep/note.md': 'there\n' });
    vault.git('add', '-A');
    vault.git('commit', '-q', '-m', 'two');
    vault.git('checkout', '-q', 'main');
    const watch = startWatchProcess(vault, { quietPeriod: '500ms' });
    await watch.next('ready');
    return { vault, watch };
  }

  /** `change` is done when the watcher is told; it has converged when a last small change after it is captured. */
  test.each<[string, (vault: CliVault) => void]>([
    [
      '5,000 changes',
      ({ root }) => {
        for (let n = 0; n < count; n++) writeFileSync(join(root, `docs/d${n % 20}/burst-${n}.md`), `${n}`);
      },
    ],
    ['a renamed folder', ({ root }) => renameSync(join(root, 'docs'), join(root, 'papers'))],
    ['a checkout of another branch', (vault) => void vault.git('checkout', '-q', 'other')],
    [
      'thousands of files made and deleted, in an ignored folder and in the vault',
      ({ root }) => {
        for (const folder of ['node_modules', 'packages']) {
          for (let n = 0; n < count / 2; n++) {
            const path = join(root, folder, `p${n % 250}`, 'lib');
            if (n < 250) mkdirSync(path, { recursive: true });
            writeFileSync(join(path, `f${n}.js`), `${n}`);
          }
          for (let n = 0; n < 200; n++) rmSync(join(root, folder, `p${n}`), { recursive: true });
        }
      },
    ],
  ])('%s: nothing is missed, in at most two snapshots', async (_what, change) => {
    const { vault, watch } = await openWatched();
    const before = watch.lines.filter(({ event }) => event === 'taken').length;
    change(vault);
    await watch.next('taken');
    // What came while that one was taken is in the next; the last change tells when all before it was captured.
    vault.write({ 'last.md': 'the last change\n' });
    let missed = ['last.md'];
    while (missed.includes('last.md')) {
      await watch.next('taken');
      missed = await missedBy(vault);
    }
    expect(missed).toEqual([]);
    expect((await watch.end('SIGTERM')).code).toBe(143);
    // At most two, and one for the last change.
    expect(watch.lines.filter(({ event }) => event === 'taken').length - before).toBeLessThanOrEqual(3);
    expect(watch.lines.filter(({ event }) => event === 'failed')).toEqual([]);
  });
});
