import { expect, test } from 'vitest';
import { splitWords } from '../../src/lib/split-words.ts';

test.each([
  ['pass show holdfast', ['pass', 'show', 'holdfast']],
  ['  a   b ', ['a', 'b']],
  [`cat '/home/ada/my key'`, ['cat', '/home/ada/my key']],
  [`cat "/home/ada/my key"`, ['cat', '/home/ada/my key']],
  ['cat my\\ key', ['cat', 'my key']],
  [`sh -c 'echo "$HOME; ls"'`, ['sh', '-c', 'echo "$HOME; ls"']],
  [`a"b c"d'e f'`, ['ab cde f']],
  [`"say \\"hi\\" \\n"`, ['say "hi" \\n']],
  [`''`, ['']],
  ['$(rm -rf x) `y`', ['$(rm', '-rf', 'x)', '`y`']],
  ['', null],
  ['   ', null],
  [`cat 'open`, null],
  [`cat "open`, null],
  ['cat \\', null],
])('%j', (text, words) => {
  expect(splitWords(text)).toEqual(words);
});
