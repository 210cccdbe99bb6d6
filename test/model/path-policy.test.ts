import { describe, expect, test } from 'vitest';
import { captureNameProblem, pathComponentProblem, windowsNameProblem } from '../../src/model/path-policy.ts';

// What git says to thousands of names is compared in test/format/git/tree-codec.test.ts; here are the names people meet.
describe('pathComponentProblem', () => {
  test.each([
    '',
    '.',
    '..',
    'a/b',
    '/etc',
    'a\0b',
    '.git',
    '.Git',
    '.git.',
    '.git ',
    'git~1',
    '.git::$DATA',
    'x\\.git',
  ])('refuses %j', (name) => {
    expect(pathComponentProblem(name)).not.toBeNull();
    expect(captureNameProblem(name)).not.toBeNull();
  });

  const git = [
    '.gitignore',
    '.gitmodules',
    '.github',
    'git',
    'git~2',
    '.git-old',
    'a.git',
    '.gitx\u00ff',
    '\u00e2\u0080\u008egit',
  ];
  const odd = [
    '..x',
    '...',
    'CON',
    'C:',
    'a\\b',
    'a.',
    'a ',
    'x::$DATA',
    'a\nb',
    '\u001b[2J',
    '\u00ff\u00fe',
    '-rf',
    ' ',
    '~',
  ];

  test.each([...git, ...odd])('takes %j', (name) => {
    expect(pathComponentProblem(name)).toBeNull();
  });

  test('refuses .gitmodules as a link only', () => {
    expect(pathComponentProblem('.gitmodules', true)).not.toBeNull();
    expect(pathComponentProblem('.GITMODULES ', true)).not.toBeNull();
    expect(pathComponentProblem('.gitmodules', false)).toBeNull();
    expect(pathComponentProblem('.gitignore', true)).toBeNull();
  });
});

describe('windowsNameProblem', () => {
  test.each([
    'CON',
    'con.txt',
    'NUL ',
    'com1',
    'LPT9.log',
    'conin$',
    'aux:',
    'a.',
    'a ',
    'x::$DATA',
    'a\\b',
    'a*',
    'a\nb',
    'git~4',
    '\u00ff',
    'com\u00c2\u00b2.txt',
  ])('refuses %j', (name) => expect(windowsNameProblem(name)).not.toBeNull());

  test.each(['console', 'com', 'com10', 'a.b', '.hidden', '\u00c3\u00a9', 'nulls.txt', 'a b'])('takes %j', (name) => {
    expect(windowsNameProblem(name)).toBeNull();
  });
});
