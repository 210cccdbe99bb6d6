/*
 * npm run bench                  every row
 * npm run bench -- --row C1      one row (repeatable)
 * npm run bench -- --runs 3      fewer runs a contestant (5 unless told)
 * npm run bench -- --folder DIR  where corpora and stores go (a folder of the system's temporary one unless told)
 * npm run bench -- --json FILE   the table as JSON, too
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Line, findPeers, freshFolders } from './bench.ts';
import { firstSnapshot, largeFiles, millionFiles, tenEdits, unchanged } from './rows/capture.ts';
import { diffRow, logRow, oneFileRow, restoreAll } from './rows/restore.ts';
import { prunedBytesRow, retentionRow } from './rows/prune.ts';
import { startUp } from './rows/start-up.ts';
import { watchRow } from './rows/watch.ts';
import { terminal } from './rows/terminal.ts';

const rows = [
  firstSnapshot,
  largeFiles,
  unchanged,
  tenEdits,
  millionFiles,
  startUp,
  watchRow,
  restoreAll,
  oneFileRow,
  diffRow,
  logRow,
  terminal,
  retentionRow,
  prunedBytesRow,
];

const { values } = parseArgs({
  options: {
    row: { type: 'string', multiple: true },
    runs: { type: 'string', default: '5' },
    folder: { type: 'string', default: join(tmpdir(), 'holdfast-bench') },
    json: { type: 'string' },
  },
});

const wanted = values.row?.map((id) => id.toUpperCase());
const chosen = rows.filter(({ id }) => wanted === undefined || wanted.includes(id));
if (chosen.length === 0) {
  console.error(`No such row. Rows: ${rows.map(({ id, title }) => `\n  ${id}  ${title}`).join('')}`);
  process.exit(2);
}

mkdirSync(values.folder, { recursive: true });
const peers = findPeers();
const versions = [
  `node ${process.version}`,
  ...Object.values(peers).map((peer) => peer?.version.split(' compiled')[0]),
];
console.log(
  `${cpus().length} × ${cpus()[0]?.model ?? 'cpu'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, kernel ${release()}`,
);
console.log(versions.filter((version) => version !== undefined).join(' · '));
for (const [name, peer] of Object.entries(peers))
  if (peer === null) console.log(`${name} is not on this machine: rows against it are left out`);

const lines: Line[] = [];
const fresh = freshFolders(values.folder);
for (const row of chosen) {
  console.log(`\n${row.id}  ${row.title}`);
  const bench = { folder: values.folder, runs: Number(values.runs), peers, fresh };
  for (const line of await row.run(bench)) {
    lines.push(line);
    console.log(render(line));
  }
}
// Deleted at the end only: after a mass delete some file systems create files many times slower for minutes.
rmSync(join(values.folder, 'runs'), { recursive: true, force: true });
const missed = lines.filter((line) => line.value > line.target);
console.log(`\n${lines.length - missed.length} of ${lines.length} targets met`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ versions, lines }, null, 2)}\n`);

function render(line: Line): string {
  const digits = line.unit === 'x' ? 2 : line.unit === 'requests' || line.unit === 'LIST pages' ? 0 : 1;
  const value = `${line.value.toFixed(digits)} ${line.unit}`;
  const target = `<= ${line.target.toFixed(digits)}`;
  const verdict = line.value <= line.target ? 'met' : 'NOT MET';
  return `  ${line.row.padEnd(3)} ${line.what.padEnd(56)} ${line.ours.padStart(10)} ${line.peer.padStart(10)} ${value.padStart(14)}  ${target.padEnd(10)} ${verdict}`;
}
