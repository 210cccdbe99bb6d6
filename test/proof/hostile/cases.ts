import { createHash } from 'node:crypto';
import type { ByteString } from '../../../src/lib/bytes.ts';
import { byteStringOfText } from '../../../src/lib/bytes.ts';
import type { SnapshotId } from '../../../src/model/ids.ts';
import { recordKey, snapshotPackKey } from '../../../src/format/store-layout.ts';
import { Forgery, type RawTreeEntry } from '../../support/forge-snapshot.ts';
import type { MemoryStorage } from '../../support/memory-storage.ts';
import { withRightSum } from '../../support/right-sum.ts';

export const forgedId = '2026-01-01T00:00:00Z-forged' as SnapshotId;

/**
 * What must come of it. 'whole': legal, however odd, so it restores; 'refused': damage (7), nothing passed off as whole;
 * 'refused by restore': a right store whose trees name what no file system takes, which only writing finds out;
 * 'either': legal or not as the system likes, but inert; 'log': a line of the index, which costs at most itself.
 */
export type Expectation = 'whole' | 'refused' | 'refused by restore' | 'either' | 'log';

export interface HostileCase {
  readonly group: 'names' | 'trees' | 'links' | 'records' | 'rows' | 'terminal' | 'labels';
  readonly name: string;
  readonly expect: Expectation;
  /** Puts it into a store; returns what is appended to the index, if anything. */
  plant(storage: MemoryStorage): string | void;
}

type Plant = (forgery: Forgery) => string;

/** Every case, in a fixed order; no binaries are kept, all is made here. */
export function hostileCases(): HostileCase[] {
  return [...names(), ...trees(), ...links(), ...records(), ...rows(), ...terminal(), ...labels()];
}

function treeCase(group: HostileCase['group'], name: string, expect: Expectation, plant: Plant): HostileCase {
  return {
    group,
    name,
    expect,
    plant(storage) {
      const forgery = new Forgery();
      forgery.publish(storage, plant(forgery), { id: forgedId });
    },
  };
}

const utf8 = byteStringOfText;
const ignorable = ['\u200c', '\u200d', '\u200e', '\u200f', '\u202a', '\u202e', '\u206a', '\u206f', '\ufeff'];

/** Names nobody may have: what climbs out, and every spelling of `.git`. */
const badNames: readonly ByteString[] = [
  '',
  '.',
  '..',
  '/',
  'a/b',
  '/abs',
  '../x',
  'a/../b',
  '..\0',
  'nul\0byte',
  '.git',
  '.GIT',
  '.Git',
  '.gIT',
  '.git ',
  '.git.',
  '.git...',
  '.git. .',
  '.GIT ',
  '.git::$INDEX_ALLOCATION',
  '.git:x',
  'git~1',
  'GIT~1',
  'Git~1',
  'git~1.',
  'git~1 ',
  '.git\\config',
  'git~1\\x',
  'a\\.git',
  'x\\git~1',
  ...ignorable.flatMap((c) => [utf8(`.g${c}it`), utf8(`${c}.git`), utf8(`.git${c}`)]),
];

/** Odd, and fine. */
const oddNames: readonly ByteString[] = [
  '...',
  ' ',
  '-rf',
  '--',
  '~',
  '$HOME',
  '`id`',
  '$(id)',
  ';id',
  '|id',
  '*',
  '?',
  '"',
  "'",
  '&',
  '#x',
  '!x',
  '%s%n',
  'a\\b',
  'CON',
  'nul.txt',
  'a.',
  'a ',
  'x::$DATA',
  'C:',
  '.gitx',
  'gitt',
  'git~',
  '.gitignore',
  '.gitattributes',
  'new\nline',
  'tab\tname',
  'bell\x07',
  '\x1b[2J',
  '\x7f',
  '\xff\xfe',
  '\xc0\xaf',
  '\xed\xa0\x80',
  utf8('e\u0301'),
  utf8('\u202ereversed'),
  'a:b',
  'a<b',
  'a>b',
  'a|b',
  'COM1',
  'LPT9.txt',
  'aux',
  'prn.',
  'x~1',
  '.hidden',
  '..a',
  'a..',
  '.. ',
  '. ',
  '\r',
  '\b',
  '\x0c',
  '\x01',
  utf8('\u00e9'),
  utf8('\u2028'),
  utf8('\u2029'),
  utf8('\u200b'),
  utf8('\u{1f4a9}'),
  '\xf4\x90\x80\x80',
  utf8('\u0130'),
  utf8('\u2024\u2024'),
  'n'.repeat(255),
];

function names(): HostileCase[] {
  const of = (name: ByteString, expect: Expectation): HostileCase[] => {
    const title = JSON.stringify(name.slice(0, 40));
    return [
      treeCase('names', `folder ${title}`, expect, (forgery) => {
        const inner = forgery.tree([{ mode: '100644', name: 'canary', id: forgery.blob('payload') }]);
        return forgery.tree([{ mode: '40000', name, id: inner }]);
      }),
    ];
  };
  return [...badNames.flatMap((name) => of(name, 'refused')), ...oddNames.flatMap((name) => of(name, 'whole'))];
}

function trees(): HostileCase[] {
  const file = (forgery: Forgery, name: ByteString, content = 'x'): RawTreeEntry => ({
    mode: '100644',
    name,
    id: forgery.blob(content),
  });
  const folder = (forgery: Forgery, name: ByteString): RawTreeEntry => ({
    mode: '40000',
    name,
    id: forgery.tree([file(forgery, 'inner')]),
  });
  const raw = (forgery: Forgery, content: Buffer): string => {
    const id = createHash('sha1').update(`tree ${content.length}\0`).update(content).digest('hex');
    return forgery.raw({ type: 2, content }, id);
  };
  const entry = (text: string): Buffer => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(20, 1)]);
  const bad = (name: string, plant: Plant): HostileCase => treeCase('trees', name, 'refused', plant);
  const malformed = {
    'no mode': entry('a\0'),
    'empty mode': entry(' a\0'),
    'mode with a leading zero': entry('0100644 a\0'),
    'mode of letters': entry('10x644 a\0'),
    'mode of a socket': entry('140000 a\0'),
    'mode of a fifo': entry('10000 a\0'),
    'mode 777777': entry('777777 a\0'),
    'mode longer than any': entry(`${'1'.repeat(400)} a\0`),
    'no NUL': Buffer.from('100644 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'),
    'cut in the id': entry('100644 a\0').subarray(0, 20),
    'only a mode': Buffer.from('100644'),
    garbage: Buffer.from('\x00\x01\x02\x03garbage\xff', 'latin1'),
    'trailing byte': Buffer.concat([entry('100644 a\0'), Buffer.from('x')]),
    'negative mode': entry('-100644 a\0'),
    'mode with a sign': entry('+100644 a\0'),
    'mode with spaces': entry('100644  a\0'),
  };
  return [
    ...Object.entries(malformed).map(([name, content]) => bad(name, (forgery) => raw(forgery, content))),
    bad('two files of one name', (f) => f.tree([file(f, 'a'), file(f, 'a', 'y')])),
    bad('a file and a folder of one name', (f) => f.tree([file(f, 'a'), folder(f, 'a')])),
    bad('a folder and a link of one name', (f) =>
      f.tree([{ mode: '120000', name: 'a', id: f.blob('/etc') }, folder(f, 'a')]),
    ),
    bad('two folders of one name', (f) =>
      f.tree([folder(f, 'a'), { mode: '40000', name: 'a', id: f.tree([file(f, 'other')]) }]),
    ),
    bad('a name out of order that comes twice', (f) => f.tree([file(f, 'a'), file(f, 'b'), file(f, 'a', 'z')])),
    treeCase('trees', 'a commit of another repository', 'either', (f) =>
      f.tree([{ mode: '160000', name: 'sub', id: '1'.repeat(40) }]),
    ),
    bad('a file nobody stored', (f) => f.tree([{ mode: '100644', name: 'a', id: '2'.repeat(40) }])),
    bad('a folder nobody stored', (f) => f.tree([{ mode: '40000', name: 'a', id: '3'.repeat(40) }])),
    bad('a link nobody stored', (f) => f.tree([{ mode: '120000', name: 'a', id: '4'.repeat(40) }])),
    treeCase('trees', 'a file that is a folder', 'refused by restore', (f) =>
      f.tree([{ mode: '100644', name: 'a', id: f.tree([file(f, 'b')]) }]),
    ),
    bad('a folder that is a file', (f) => f.tree([{ mode: '40000', name: 'a', id: f.blob('x') }])),
    treeCase('trees', 'a link that is a folder', 'refused by restore', (f) =>
      f.tree([{ mode: '120000', name: 'a', id: f.tree([file(f, 'b')]) }]),
    ),
    bad('a root that is a file', (f) => f.blob('x')),
    bad('a folder that holds itself', (f) => {
      const id = '5'.repeat(40);
      f.raw({ type: 2, content: Buffer.concat([Buffer.from('40000 a\0'), Buffer.from(id, 'hex')]) }, id);
      return f.tree([{ mode: '40000', name: 'a', id }]);
    }),
    bad('an object under a name it does not have', (f) =>
      f.tree([{ mode: '100644', name: 'a', id: f.raw({ type: 3, content: Buffer.from('lie') }, '6'.repeat(40)) }]),
    ),
    bad('an entry whose size is a lie', (f) =>
      f.tree([
        {
          mode: '100644',
          name: 'a',
          id: f.raw({ type: 3, content: Buffer.from('abc'), statedSize: 9 }, sha1('blob', 'abc')),
        },
      ]),
    ),
    bad('an entry that says it is a gigabyte', (f) =>
      f.tree([
        {
          mode: '100644',
          name: 'a',
          id: f.raw({ type: 3, content: Buffer.from('abc'), statedSize: 2 ** 30 }, sha1('blob', 'abc')),
        },
      ]),
    ),
    bad('an entry that does not inflate', (f) =>
      f.tree([
        {
          mode: '100644',
          name: 'a',
          id: f.raw({ type: 3, content: Buffer.from('abc'), compressed: Buffer.from('no zlib') }, sha1('blob', 'abc')),
        },
      ]),
    ),
    bad('an entry of type 5', (f) =>
      f.tree([{ mode: '100644', name: 'a', id: f.raw({ type: 5, content: Buffer.from('abc') }, sha1('blob', 'abc')) }]),
    ),
    bad('an entry of type 0', (f) =>
      f.tree([{ mode: '100644', name: 'a', id: f.raw({ type: 0, content: Buffer.from('abc') }, sha1('blob', 'abc')) }]),
    ),
    bad('a delta without its base', (f) =>
      f.tree([
        {
          mode: '100644',
          name: 'a',
          id: f.raw({ type: 7, content: Buffer.from([3, 3, 0x90, 3]), baseId: '7'.repeat(40) }, sha1('blob', 'abc')),
        },
      ]),
    ),
    bad('a delta whose base is itself', (f) =>
      f.tree([
        {
          mode: '100644',
          name: 'a',
          id: f.raw(
            { type: 7, content: Buffer.from([3, 3, 0x90, 3]), baseId: sha1('blob', 'abc') },
            sha1('blob', 'abc'),
          ),
        },
      ]),
    ),
    treeCase('trees', 'folders far too deep', 'refused by restore', (f) => {
      let id = f.tree([file(f, 'end')]);
      for (let depth = 0; depth < 150; depth++) id = f.tree([{ mode: '40000', name: 'd'.repeat(250), id }]);
      return id;
    }),
    treeCase('trees', 'a fifty-deep folder', 'whole', (f) => {
      let id = f.tree([file(f, 'end')]);
      for (let depth = 0; depth < 50; depth++) id = f.tree([{ mode: '40000', name: 'd', id }]);
      return id;
    }),
  ];
}

function sha1(type: string, content: string): string {
  return createHash('sha1').update(`${type} ${content.length}\0${content}`).digest('hex');
}

function links(): HostileCase[] {
  const targets = [
    '/etc/passwd',
    '/',
    '..',
    '../..',
    '../../../../../../etc',
    '.',
    'self',
    './self',
    '/proc/self/root',
    '/dev/tty',
  ];
  const more = [
    '\xff\xfe',
    'with\nline',
    '\x1b]0;owned\x07',
    'x'.repeat(4000),
    '~/x',
    '$HOME',
    '.git',
    '.git/config',
    'C:\\x',
    '//server/x',
  ];
  const link = (f: Forgery, name: string, target: string): RawTreeEntry => ({
    mode: '120000',
    name,
    id: f.blob(Buffer.from(target, 'latin1')),
  });
  const below = (f: Forgery): RawTreeEntry => ({
    mode: '40000',
    name: 'out',
    id: f.tree([{ mode: '100644', name: 'canary', id: f.blob('payload') }]),
  });
  return [
    ...[...targets, ...more].map((target) =>
      treeCase('links', `to ${JSON.stringify(target.slice(0, 30))}`, 'whole', (f) => f.tree([link(f, 'self', target)])),
    ),
    treeCase('links', 'to nothing', 'refused by restore', (f) => f.tree([link(f, 'a', '')])),
    treeCase('links', 'with a NUL', 'refused by restore', (f) => f.tree([link(f, 'a', 'a\0b')])),
    treeCase('links', 'longer than any path', 'refused by restore', (f) => f.tree([link(f, 'a', 'x'.repeat(70_000))])),
    treeCase('links', 'out, and a folder of its name (K13)', 'refused', (f) =>
      f.tree([link(f, 'out', '../../..'), below(f)]),
    ),
    treeCase('links', 'a folder of its name, and out (K13)', 'refused', (f) =>
      f.tree([below(f), link(f, 'out', '../../..')]),
    ),
    treeCase('links', 'a .gitmodules that points elsewhere', 'refused', (f) =>
      f.tree([link(f, '.gitmodules', '/etc/passwd')]),
    ),
    treeCase('links', 'a .GITMODULES that points elsewhere', 'refused', (f) =>
      f.tree([link(f, '.GITMODULES', '/etc/passwd')]),
    ),
  ];
}

/** A right snapshot whose record says something else; `edit` works on the text. */
function recordCase(name: string, edit: (text: string) => string, expect: Expectation = 'refused'): HostileCase {
  return {
    group: 'records',
    name,
    expect,
    plant(storage) {
      const forgery = new Forgery();
      const tree = forgery.tree([{ mode: '100644', name: 'a', id: forgery.blob('x') }]);
      forgery.publish(storage, tree, { id: forgedId });
      const key = recordKey(forgedId);
      storage.poke(key, Buffer.from(edit(Buffer.from(storage.peek(key)!).toString())));
    },
  };
}

function records(): HostileCase[] {
  const field = (name: string, value: string): HostileCase =>
    recordCase(`${name} is ${value.slice(0, 40)}`, (text) =>
      withRightSum(
        text.replace(new RegExp(`"${name}": (?:"[^"]*"|[\\d.]+|true|false|null)`), () => `"${name}": ${value}`),
      ),
    );
  const pack = JSON.stringify(snapshotPackKey(forgedId, 'a'.repeat(40)));
  return [
    ...[
      '""',
      '"../../x"',
      '"2026-01-01T00:00:00Z-../x"',
      '"2026-13-45T99:00:00Z-x"',
      '5',
      'null',
      '[]',
      `"${'x'.repeat(1000)}"`,
    ].map((value) => field('id', value)),
    ...['-1', '0.5', '9223372036854775808', '1e400', '"12"', 'null', 'true'].map((value) => field('sizeBytes', value)),
    ...[
      '"../../../etc/passwd"',
      '"/etc/passwd"',
      '"snapshots/other/pack-x.pack"',
      '""',
      `${pack.slice(0, -1)}/.."`,
      '"packs/\\u0000"',
    ].map((value) => field('key', value)),
    ...['"not an id"', `"${'A'.repeat(40)}"`, '"../x"', '7'].map((value) => field('tree', value)),
    ...['"yesterday"', '"2026-01-01"', '1767225600', '"+275760-09-13T00:00:00.001Z"'].map((value) =>
      field('takenAt', value),
    ),
    ...['"bogus"', 'null'].map((value) => field('kind', value)),
    recordCase('no JSON at all', () => 'not json'),
    recordCase('empty', () => ''),
    recordCase('an array', () => '[]\n'),
    recordCase('null', () => 'null\n'),
    recordCase('cut in the middle', (text) => text.slice(0, text.length / 2)),
    recordCase('a wrong sum', (text) => text.replace(/"sum": "./, '"sum": "z')),
    recordCase('no sum', (text) => text.replace(/,\n {2}"sum": "[0-9a-f]{64}"/, '')),
    recordCase('a field twice', (text) => withRightSum(text.replace('{\n', '{\n  "id": "x",\n')), 'either'),
    recordCase('a BOM before it', (text) => `\ufeff${text}`),
    recordCase('a NUL after it', (text) => `${text}\0`),
    recordCase('a million brackets', () => '['.repeat(1_000_000)),
    recordCase('twenty megabytes of spaces', (text) => text + ' '.repeat(20_000_000)),
    recordCase(
      'a prototype',
      (text) => withRightSum(text.replace('{\n', '{\n  "__proto__": {"complete": true},\n')),
      'either',
    ),
  ];
}

function rows(): HostileCase[] {
  const lines: readonly (readonly [string, string])[] = [
    ['a torn line', '{"v":1,"at":"2026'],
    ['garbage', 'garbage\n'],
    ['NUL bytes', '\0\0\0\0\n'],
    ['a BOM', '\ufeff\n'],
    ['blank lines', '\n\n\r\n'],
    ['an array', '[]\n'],
    ['null', 'null\n'],
    ['a number', '1e999\n'],
    ['a terminal escape', '\x1b]0;owned\x07\x1b[31m\n'],
    ['an unknown event', '{"event":"bogus","label":"\\u001b[31m"}\n'],
    ['a million brackets', `${'['.repeat(1_000_000)}\n`],
    ['a line of two megabytes', `${'x'.repeat(2_000_000)}\n`],
    ['a prototype', '{"__proto__":{"x":1}}\n'],
    ['a row without its checksum', '{"v":1,"at":"2026-01-01T00:00:00.000Z","event":{"event":"snapshot"}}\n'],
    ['a row of the year 275760', '{"v":1,"at":"+275760-09-13T00:00:00.001Z"}\n'],
    ['a version of tomorrow', '{"v":99}\n'],
    ['a version below zero', '{"v":-1}\n'],
    ['lone surrogates', '{"label":"\\ud800"}\n'],
    ['bytes that are not UTF-8', '\xff\xfe\n'],
    ['a comment', '// not JSON\n'],
    ['two objects on a line', '{}{}\n'],
    ['a carriage return', '{}\r\n'],
    ['a bell in a string', '{"label":"\\u0007"}\n'],
    ['a bidi override in a string', '{"label":"\u202e"}\n'],
    ['a thousand rows of garbage', 'x\n'.repeat(1000)],
    ['spaces without end', `${' '.repeat(500_000)}\n`],
    ['a number too large', '{"v":1e400}\n'],
    ['an empty object', '{}\n'],
    ['true', 'true\n'],
    ['a string', '"row"\n'],
    ['a conflict marker of git', '<<<<<<< HEAD\n=======\n>>>>>>> other\n'],
  ];
  return lines.map(([name, line]) => ({ group: 'rows', name, expect: 'log', plant: () => line }));
}

/** What acts on terminals: each as a file name, a label that got into a record, and a machine's name. */
const escapes = [
  '\x1b[38;5;201m',
  '\x1b]52;c;b3duZWQ=\x07',
  '\x1b[6n',
  '\x1b]0;owned\x1b\\',
  '\x9b31m',
  '\x1bP+q\x1b\\',
  '\u202egnp.exe',
  '\r\x1b[K$ rm',
];

function terminal(): HostileCase[] {
  return escapes.flatMap((escape) => [
    treeCase('terminal', `file ${JSON.stringify(escape)}`, 'whole', (f) =>
      f.tree([{ mode: '100644', name: utf8(escape.replaceAll('/', '')), id: f.blob('x') }]),
    ),
    treeCase('terminal', `content ${JSON.stringify(escape)}`, 'whole', (f) =>
      f.tree([{ mode: '100644', name: 'a', id: f.blob(`${escape}\n`) }]),
    ),
    {
      group: 'terminal' as const,
      name: `machine ${JSON.stringify(escape)}`,
      expect: 'either' as const,
      plant(storage) {
        const forgery = new Forgery();
        const tree = forgery.tree([{ mode: '100644', name: 'a', id: forgery.blob('x') }]);
        forgery.publish(storage, tree, { id: forgedId, machine: { id: 'other', name: escape, user: escape } });
      },
    },
  ]);
}

function labels(): HostileCase[] {
  const texts = [
    '',
    ' ',
    '../../x',
    'a\nb',
    '\x1b[31mred',
    'x'.repeat(201),
    'x'.repeat(1_000_000),
    '\u202eabc',
    '\0',
    '\ud800',
    'auto-other',
  ];
  return texts.map((label) => {
    const edit = (text: string): string =>
      withRightSum(text.replace(/"label": "[^"]*"/, () => `"label": ${JSON.stringify(label)}`));
    return { ...recordCase(JSON.stringify(label.slice(0, 30)), edit, 'either'), group: 'labels' as const };
  });
}
