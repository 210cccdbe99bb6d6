import { describe, expect, test } from 'vitest';
import { checklistNames, checklists } from '../../../src/engine/runbook/checklists.ts';
import type { RunbookFacts } from '../../../src/engine/runbook/facts.ts';
import { phases, procedures } from '../../../src/engine/runbook/procedures.ts';
import { recoveryMatrix } from '../../../src/engine/runbook/recovery-matrix.ts';
import { renderRunbook } from '../../../src/engine/runbook/render-runbook.ts';
import { commandTable } from '../../../src/cli/command-table.ts';
import { globalOptions } from '../../../src/cli/command.ts';

const facts: RunbookFacts = {
  vault: 'notes',
  root: '/home/ada/notes',
  store: 's3://bucket/notes',
  isLocal: false,
  isEncrypted: true,
  hasVersions: true,
  replicas: ['file:///media/usb/notes'],
  latest: '2026-11-20T14:03:11Z-before-the-rewrite',
  oldest: '2026-01-01T00:00:00Z-first',
  machines: ['desk', 'laptop'],
  holdingDir: '_restore',
  rtoMs: 90_000,
  rpoMs: 3_600_000,
  drilledAt: '2026-11-01T00:00:00.000Z',
};
const bare: RunbookFacts = {
  ...facts,
  isLocal: true,
  hasVersions: false,
  replicas: [],
  latest: null,
  oldest: null,
  rtoMs: null,
  rpoMs: null,
  drilledAt: null,
};

const commandsIn = (of: RunbookFacts): string[] =>
  procedures(of).flatMap(({ steps }) =>
    phases.flatMap((phase) => steps[phase].flatMap(({ command }) => command ?? [])),
  );
const listed = checklistNames.flatMap((name) => checklists[name].flatMap(({ command }) => command ?? []));
const all = [...new Set([...commandsIn(facts), ...commandsIn(bare), ...listed])];

describe('the commands a runbook names', () => {
  test.each(all.flatMap((line) => line.match(/holdfast [^&]*/g) ?? []))(
    '%s is one that holdfast knows',
    async (line) => {
      const words = line
        .replaceAll(/'[^']*'|"[^"]*"/g, 'X')
        .trim()
        .split(/\s+/)
        .slice(1);
      const entry = commandTable.find(({ name }) => name === words[0]);
      expect(entry).toBeDefined();
      const command = await entry!.load();
      const known = [...command.options, ...globalOptions].flatMap(({ flags }) => flags.match(/--?[a-z-]+/g) ?? []);
      for (const flag of words.filter((word) => word.startsWith('-'))) expect(known).toContain(flag.split('=')[0]);
    },
  );
});

test('five scenarios and four playbooks, each with every phase, filled in with this vault', () => {
  for (const of of [facts, bare]) {
    const list = procedures(of);
    expect(list.filter(({ kind }) => kind === 'scenario')).toHaveLength(5);
    expect(list.filter(({ kind }) => kind === 'playbook')).toHaveLength(4);
    for (const { steps } of list) for (const phase of phases) expect(steps[phase].length).toBeGreaterThan(0);
    expect(renderRunbook(of, list, '2026-11-20')).not.toMatch(/undefined|null|NaN/);
  }
  const page = renderRunbook(facts, procedures(facts), '2026-11-20');
  for (const fact of [facts.store, facts.latest!, facts.replicas[0]!, '1 min 30 s', 'desk, laptop'])
    expect(page).toContain(fact);
});

test('a store on the lost machine is lost with it: the way back is the replica', () => {
  const loss = procedures({ ...facts, isLocal: true }).find(({ id }) => id === 'machine-loss')!;
  expect(JSON.stringify(loss.steps.restore)).toContain(facts.replicas[0]);
  expect(JSON.stringify(loss.steps.restore)).not.toContain(facts.store);
});

test('the matrix has measured times, and says so where nothing was measured or nothing helps', () => {
  const rows = recoveryMatrix(facts);
  expect(rows.map(({ scenario }) => scenario)).toHaveLength(5);
  expect(rows[0]).toMatchObject({ rtoMs: 90_000, rpoMs: 3_600_000 });
  const poor = recoveryMatrix(bare);
  expect(poor.find(({ scenario }) => scenario === 'machine loss')).toMatchObject({ rtoMs: null, automated: 'no' });
  expect(poor.find(({ scenario }) => scenario === 'store data loss')).toMatchObject({ rtoMs: null, automated: 'no' });
});
