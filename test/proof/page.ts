import type { RigResult } from './rig.ts';

/** A rig that has run. */
export interface PageRow {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  readonly result: RigResult;
}

export interface PageHead {
  /** Abbreviated, with "+" when the checkout differs from it. */
  readonly commit: string;
  readonly set: 'push' | 'nightly';
  readonly at: Date;
  /** Cores, versions of Node and of the system. */
  readonly machine: string;
  readonly seconds: number;
  /** The run was narrowed by `--only`: floors were not asked for. */
  readonly isPartial: boolean;
}

const failuresMax = 40;

/** What makes a row red, the counts that stayed below their floor included. */
export function failuresOf({ result }: PageRow, isPartial: boolean): readonly string[] {
  const short = (result.figures ?? [])
    .filter(({ count, floor }) => !isPartial && floor !== undefined && count < floor)
    .map(({ what, count, floor }) => `too few: ${what} ${grouped(count)}, at least ${grouped(floor!)} were promised`);
  const nothing = result.checks === 0 && result.failures.length === 0 ? ['nothing was checked'] : [];
  return [...result.failures, ...short, ...nothing];
}

/** The one page a run of the proof prints. */
export function renderPage(head: PageHead, rows: readonly PageRow[]): string {
  const lines = [
    `holdfast proof · ${head.set} set${head.isPartial ? ' (a part of it)' : ''} · commit ${head.commit}`,
    `${head.at.toISOString().slice(0, 16).replace('T', ' ')} UTC · ${head.machine} · ${duration(head.seconds)}`,
    '',
    `${'rig'.padEnd(11)}${'checks'.padStart(10)}${'time'.padStart(11)}  ${'result'.padEnd(8)}seeds`,
  ];
  for (const row of rows) {
    const failures = failuresOf(row, head.isPartial);
    const verdict = failures.length === 0 ? 'green' : 'RED';
    const seeds = row.result.seeds.length === 0 ? 'none: every case is enumerated' : row.result.seeds.join(' ');
    lines.push(
      `${row.name.padEnd(11)}${grouped(row.result.checks).padStart(10)}${duration(row.seconds).padStart(11)}  ${verdict.padEnd(8)}${seeds}`,
    );
    lines.push(`  ${row.title}`);
    for (const { what, count, floor } of row.result.figures ?? []) {
      const asked = floor === undefined ? '' : `  (floor ${grouped(floor)})`;
      lines.push(`  ${grouped(count).padStart(9)}  ${what}${asked}`);
    }
    for (const note of row.result.notes) lines.push(`  · ${note}`);
    for (const failure of failures.slice(0, failuresMax)) lines.push(`  RED  ${failure.replaceAll('\n', '\n       ')}`);
    if (failures.length > failuresMax) lines.push(`  RED  and ${failures.length - failuresMax} more`);
    lines.push('');
  }
  const red = rows.filter((row) => failuresOf(row, head.isPartial).length > 0);
  lines.push(
    red.length === 0
      ? `${rows.length} of ${rows.length} rigs green`
      : `${red.length} of ${rows.length} rigs RED: ${red.map(({ name }) => name).join(', ')}`,
  );
  return `${lines.join('\n')}\n`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function duration(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${Math.floor(seconds / 60)} m ${String(Math.round(seconds % 60)).padStart(2, '0')} s`;
}
