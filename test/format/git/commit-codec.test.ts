import { describe, expect, test } from 'vitest';
import { decodeCommit, encodeCommit, gitIdentity } from '../../../src/format/git/commit-codec.ts';
import { objectIdOf } from '../../../src/format/git/object-id.ts';
import type { ObjectId } from '../../../src/model/ids.ts';
import { openGitOracle } from '../../support/git-oracle.ts';

const tree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904' as ObjectId;
const someone = gitIdentity({ name: 'A', email: 'a@example.org' }, new Date(1_700_000_000_000));

describe('encodeCommit', () => {
  test('writes what git commit-tree writes', () => {
    using oracle = openGitOracle();
    oracle.git(['mktree'], '');
    const root = oracle.git(['commit-tree', tree], 'first\n').toString().trim() as ObjectId;
    const child = oracle.git(['commit-tree', tree, '-p', root], 'second\n\nbody \u00e9\n').toString().trim();
    const fields = { tree, author: someone, committer: someone };
    expect(objectIdOf('commit', encodeCommit({ ...fields, parents: [], message: Buffer.from('first\n') }))).toBe(root);
    const message = Buffer.from('second\n\nbody \u00e9\n');
    expect(objectIdOf('commit', encodeCommit({ ...fields, parents: [root], message }))).toBe(child);
  });

  test.each([
    ['', ''],
    ['<>', '<>'],
    ['a\nb', 'a\n> 0 +0000\ntree x'],
    ['\u0000', '\u0000'],
    [' . ', ',;'],
    ['\u00e9\u{1f600}', 'x y@z'],
    ['<<a', 'b>'],
  ])('makes an identity git takes of %j and %j', (name, email) => {
    using oracle = openGitOracle();
    oracle.git(['mktree'], '');
    const who = gitIdentity({ name, email }, new Date(0));
    const commit = encodeCommit({ tree, parents: [], author: who, committer: who, message: Buffer.from('m') });
    const id = oracle.git(['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], commit).toString().trim();
    expect(oracle.tryGit(['fsck', '--full', '--strict', '--no-dangling'])).toMatchObject({ ok: true });
    expect(id).toBe(objectIdOf('commit', commit));
    expect(decodeCommit(commit).author).not.toBeNull();
  });

  test('never writes a message with a NUL byte', () => {
    const commit = { tree, parents: [], author: someone, committer: someone, message: Buffer.from('a\0b') };
    expect(() => encodeCommit(commit)).toThrow(/NUL/);
  });
});

describe('decodeCommit', () => {
  test('gives back what was encoded', () => {
    const fields = {
      tree,
      parents: [tree, tree],
      author: { ...someone, zone: '-0730' },
      committer: someone,
      message: Buffer.from('label\n\n\xff', 'latin1'),
    };
    expect(decodeCommit(encodeCommit(fields))).toEqual({ ...fields, message: expect.anything() });
    expect(Buffer.from(decodeCommit(encodeCommit(fields)).message)).toEqual(fields.message);
  });

  test('passes over headers it does not know, and lines of old histories it cannot read', () => {
    const text = `tree ${tree}\nauthor no mail\ncommitter A <a> 1 +0000\ngpgsig -----BEGIN\n more\n\nmessage\n`;
    const commit = decodeCommit(Buffer.from(text));
    expect(commit).toMatchObject({ author: null, parents: [] });
    expect(Buffer.from(commit.message).toString()).toBe('message\n');
  });

  test.each(['', 'tree ', `tree ${tree}`, `tree ${tree.slice(1)}\n`, `parent ${tree}\n`, `tree ${tree}\nparent x\n`])(
    'refuses %j',
    (text) => {
      expect(() => decodeCommit(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'object_corrupt' }));
    },
  );
});
