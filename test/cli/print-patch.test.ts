import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDiffStyle } from '../../src/cli/diff-style.ts';
import { printPatch } from '../../src/cli/print-patch.ts';
import { objectIdOf } from '../../src/format/git/object-id.ts';
import type { ContentSource } from '../../src/engine/change-content.ts';
import type { Change, ChangeSide } from '../../src/model/change.ts';
import { collectingOutput } from '../support/collecting-output.ts';
import { scratchFolder } from '../support/scratch.ts';

interface Content {
  readonly kind: ChangeSide['kind'];
  readonly bytes: Buffer;
}

function sideOf(path: string, content: Content): ChangeSide {
  return { path, kind: content.kind, id: objectIdOf('blob', content.bytes) };
}

function sourceOf(content: Content | null): ContentSource {
  return { read: async () => ({ content: content!.bytes, sizeBytes: content!.bytes.length }) };
}

async function patchOf(
  change: Change,
  before: Content | null,
  options: { after: Content | null; context?: number; forPeople?: boolean },
) {
  const out = collectingOutput({ paint: options.forPeople ?? false });
  const style = createDiffStyle(out, { forPeople: options.forPeople ?? false });
  await printPatch(style, change, {
    before: sourceOf(before),
    after: sourceOf(options.after),
    context: options.context ?? 3,
  });
  await style.flush();
  return out.text();
}

function put(root: string, path: string, content: Content): void {
  const full = Buffer.from(`${root}/${path}`, 'latin1');
  mkdirSync(Buffer.from(dirname(full.toString('latin1')), 'latin1'), { recursive: true });
  if (content.kind === 'link') symlinkSync(content.bytes, full);
  else {
    writeFileSync(full, content.bytes);
    chmodSync(full, content.kind === 'executable' ? 0o755 : 0o644);
  }
}

function get(root: string, path: string): Content | null {
  const full = Buffer.from(`${root}/${path}`, 'latin1');
  const stat = lstatSync(full, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (stat.isSymbolicLink()) return { kind: 'link', bytes: readlinkSync(full, 'buffer') };
  return { kind: stat.mode & 0o100 ? 'executable' : 'file', bytes: readFileSync(full) };
}

function gitApply(root: string, patch: string, context: number): void {
  const env = {
    PATH: process.env['PATH'],
    HOME: root,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: dirname(root),
  };
  const unidiff = context === 0 ? ['--unidiff-zero'] : [];
  execFileSync('git', ['apply', '--whitespace=nowarn', ...unidiff], {
    cwd: root,
    env,
    input: Buffer.from(patch, 'latin1'),
  });
}

const file = (text: string, kind: Content['kind'] = 'file'): Content => ({ kind, bytes: Buffer.from(text, 'latin1') });

test.each<[string, string, Content | null, Content | null]>([
  ['an edit', 'notes/a.md', file('one\ntwo\nthree\n'), file('one\n2\nthree\n')],
  ['a lost last line feed', 'a', file('one\ntwo\n'), file('one\ntwo')],
  ['a gained last line feed', 'a', file('one\ntwo'), file('one\ntwo\n')],
  ['carriage returns', 'a', file('one\r\ntwo\r\nthree'), file('one\r\ntwo\nthree')],
  ['bytes that are not text', 'a', file('caf\xe9 \xff\xfe\nx\n'), file('caf\xe9 \xff\xfd\nx\n')],
  ['a new file', 'deep/er/new', null, file('hello\n')],
  ['a new empty file', 'new', null, file('')],
  ['a new executable', 'new', null, file('#!/bin/sh\n', 'executable')],
  ['a removed file', 'gone', file('hello\nworld'), null],
  ['another mode and content', 'run', file('a\n'), file('b\n', 'executable')],
  ['a link to elsewhere', 'link', file('target', 'link'), file('other', 'link')],
  ['a new link', 'link', null, file('../x', 'link')],
  ['a name with spaces', 'with space', file('a\n'), file('b\n')],
  ['a name git must quote', 'caf\xc3\xa9 "q" \\ \t tab', file('a\n'), file('b\n')],
  ['a name that is not UTF-8', '\xff\xfe', file('a\n'), file('b\n')],
  ['a name with a line feed', 'two\nlines', null, file('b\n')],
])('git apply takes the patch of %s', async (_, path, before, after) => {
  const root = scratchFolder();
  if (before !== null) put(root, path, before);
  gitApply(root, await patchOf(changeOf(path, before, after), before, { after }), 3);
  expect(get(root, path)).toEqual(after);
});

test('git apply takes the patch of a file that became a link, of another mode, and of a rename', async () => {
  const root = scratchFolder();
  const [text, link] = [file('text\n'), file('elsewhere', 'link')];
  put(root, 'a', text);
  gitApply(
    root,
    await patchOf({ kind: 'type', path: 'a', before: sideOf('a', text), after: sideOf('a', link) }, text, {
      after: link,
    }),
    3,
  );
  expect(get(root, 'a')).toEqual(link);

  put(root, 'run', text);
  const bit = { ...text, kind: 'executable' as const };
  gitApply(
    root,
    await patchOf({ kind: 'mode', path: 'run', before: sideOf('run', text), after: sideOf('run', bit) }, text, {
      after: bit,
    }),
    3,
  );
  expect(get(root, 'run')).toEqual(bit);

  const [old, now] = [file('1\n2\n3\n4\n5\n6\n'), file('1\n2\n3\n4\n5\nsix\n')];
  put(root, 'x y/old', old);
  const renamed: Change = {
    kind: 'renamed',
    path: 'z/new name',
    before: sideOf('x y/old', old),
    after: sideOf('z/new name', now),
    similarity: 80,
  };
  gitApply(root, await patchOf(renamed, old, { after: now }), 3);
  expect(get(root, 'z/new name')).toEqual(now);
  expect(existsSync(join(root, 'x y/old'))).toBe(false);
});

test('git apply reproduces any text from any other', async () => {
  const root = scratchFolder();
  const line = fc.constantFrom(
    'a',
    'b',
    'c',
    '',
    ' ',
    'a\r',
    '\\ No newline at end of file',
    '--- a',
    '+++ b',
    '@@ -1 +1 @@',
    '\x80\xff',
  );
  const text = fc.tuple(fc.array(line, { maxLength: 14 }), fc.boolean()).map(([lines, ends]) => {
    const joined = lines.join('\n');
    return file(ends && joined !== '' ? `${joined}\n` : joined);
  });
  await fc.assert(
    fc.asyncProperty(text, text, fc.constantFrom(0, 1, 3, 10), async (before, after, context) => {
      if (before.bytes.equals(after.bytes)) return;
      rmSync(join(root, 'f'), { force: true });
      put(root, 'f', before);
      gitApply(root, await patchOf(changeOf('f', before, after), before, { after, context }), context);
      expect(get(root, 'f')).toEqual(after);
    }),
    { numRuns: 150 },
  );
});

test('texts too different for a minimal script still give a right patch', async () => {
  const root = scratchFolder();
  const lines = (mark: string) =>
    file(`same\n${Array.from({ length: 4000 }, (_, i) => `${mark} ${i}`).join('\n')}\nend\n`);
  const [before, after] = [lines('old'), lines('new')];
  put(root, 'f', before);
  const patch = await patchOf(changeOf('f', before, after), before, { after });
  gitApply(root, patch, 3);
  expect(get(root, 'f')).toEqual(after);
  expect(patch).toContain('@@ -1,4002 +1,4002 @@');
});

test('binary files are named, not printed', async () => {
  const [before, after] = [file('a\0b'), file('a\0bc')];
  const change = changeOf('x.bin', before, after);
  expect(await patchOf(change, before, { after })).toBe(
    'diff --git a/x.bin b/x.bin\nBinary files a/x.bin and b/x.bin differ\n',
  );
  expect(await patchOf(change, before, { after, forPeople: true })).toContain('<yellow>binary: 3 B -> 4 B</>');
});

test('nothing in names or contents acts on a terminal', async () => {
  const [before, after] = [file('\x1b]0;owned\x07\ttab\n'), file('\x9b31m\u202e\n\xe2\x80\xae\n')];
  const shown = await patchOf(changeOf('\x1b[2J\nname', before, after), before, { after, forPeople: true });
  expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
  expect(Buffer.from(shown, 'latin1').toString('utf8')).not.toMatch(/[\u0080-\u009f\u202e]/);
  expect(shown).toContain('<red>-\\x1b]0;owned\\x07\ttab</>');
});

function changeOf(path: string, before: Content | null, after: Content | null): Change {
  if (before === null) return { kind: 'added', path, before: null, after: sideOf(path, after!) };
  if (after === null) return { kind: 'removed', path, before: sideOf(path, before), after: null };
  return { kind: 'changed', path, before: sideOf(path, before), after: sideOf(path, after) };
}
