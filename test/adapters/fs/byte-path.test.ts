import { closeSync, constants, mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { joinBytePath, withReachablePath } from '../../../src/adapters/fs/byte-path.ts';
import { scratchFolder } from '../../support/scratch.ts';

describe('joinBytePath', () => {
  test('keeps bytes that are not text', () => {
    expect(joinBytePath('/v\u00e9', 'a/\u00ff')).toEqual(Buffer.from('2f76c3a92f612fff', 'hex'));
    expect(joinBytePath('/v', 'a/b')).toBe('/v/a/b');
    expect(joinBytePath('/', 'a')).toBe('/a');
    expect(joinBytePath('/v', '')).toBe('/v');
  });
});

describe.runIf(process.platform === 'linux')('withReachablePath', () => {
  test('reaches files whose path is far longer than the system takes', () => {
    const { root, path } = deepFile();
    expect(path.length).toBeGreaterThan(12_000);
    expect(() => readFileSync(joinBytePath(root, path))).toThrow('ENAMETOOLONG');
    expect(withReachablePath(root, path, (reachable) => readFileSync(reachable, 'utf8'))).toBe('deep');
  });

  test('leaves no descriptor open, whether it succeeds or fails', () => {
    const { root, path } = deepFile();
    const next = (): number => {
      const fd = openSync('/dev/null', 'r');
      closeSync(fd);
      return fd;
    };
    const before = next();
    withReachablePath(root, path, (reachable) => readFileSync(reachable));
    expect(() => withReachablePath(root, `${path}-not`, (reachable) => readFileSync(reachable))).toThrow('ENOENT');
    expect(() => withReachablePath(root, path.replace('d', 'e'), (reachable) => readFileSync(reachable))).toThrow(
      'ENOENT',
    );
    expect(next()).toBe(before);
  });

  test('never goes through a link where it stops on the way', () => {
    const root = scratchFolder();
    const name = 'd'.repeat(255);
    const way = Array.from({ length: 15 }, () => name).join('/');
    mkdirSync(`${root}/real/${way.slice(0, 3000)}`, { recursive: true });
    symlinkSync('real', `${root}/link`);
    const last = `${root}/${way.slice(0, 255 * 13 + 12)}`;
    mkdirSync(last, { recursive: true });
    symlinkSync(`${root}/real`, `${last}/jump`);
    const path = `${way.slice(0, 255 * 13 + 12)}/jump/${way}`;
    expect(() => withReachablePath(root, path, (reachable) => readFileSync(reachable))).toThrow(/ENOTDIR|ELOOP|ENOENT/);
  });
});

/** A file below 50 folders of 255 bytes each, made step by step because no call takes its path. */
function deepFile(): { root: string; path: string } {
  const root = scratchFolder();
  const name = 'd'.repeat(255);
  const parts: string[] = [];
  let base = root;
  let fd = -1;
  for (let i = 0; i < 50; i++) {
    mkdirSync(`${base}/${name}`);
    const next = openSync(`${base}/${name}`, constants.O_RDONLY | constants.O_DIRECTORY);
    if (fd >= 0) closeSync(fd);
    fd = next;
    base = `/proc/self/fd/${fd}`;
    parts.push(name);
  }
  writeFileSync(`${base}/file`, 'deep');
  closeSync(fd);
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return { root, path: [...parts, 'file'].join('/') };
}
