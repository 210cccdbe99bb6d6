import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rig, RigOptions, RigResult } from '../rig.ts';
import { type Mutant, mutants } from './mutants.ts';

const root = join(import.meta.dirname, '../../..');
const perPush = 5;
/** A mutant that hangs is caught as surely as one that fails. */
const msMax = 240_000;

/** Plants known bugs, one after the other, and demands that what should catch them does. */
export const rig: Rig = {
  name: 'mutants',
  title: 'bugs planted on purpose: each must be caught by the rig or test that stands for its promise',
  async run(options: RigOptions): Promise<RigResult> {
    const chosen = choose(options);
    const copy = prepare(options.folder);
    const failures: string[] = [];
    const isTrusted = new Map<Mutant['caughtBy'], boolean>();
    for (const catcher of new Set(chosen.map(({ caughtBy }) => caughtBy))) {
      isTrusted.set(catcher, await isGreen(copy, catcher));
      if (isTrusted.get(catcher) !== true) {
        failures.push(`${catcher} is red without any planted bug: it proves nothing of the mutants it stands for`);
      }
    }
    let killed = 0;
    for (const [number, mutant] of chosen.entries()) {
      if (isTrusted.get(mutant.caughtBy) !== true) continue;
      const told = await tryMutant(copy, mutant);
      if (told === null) killed++;
      else failures.push(`${told}\nreplay: npm run proof -- --rig mutants --only ${JSON.stringify(mutant.name)}`);
      options.progress(`${number + 1} of ${chosen.length}: ${mutant.name}: ${told === null ? 'caught' : 'MISSED'}`);
    }
    return {
      checks: chosen.length,
      seeds: options.nightly ? [] : [options.seed],
      failures,
      notes: [`${killed} of ${chosen.length} planted bugs caught; ${mutants.length} are kept, all are tried nightly`],
      figures: [{ what: 'mutants killed', count: killed, floor: options.nightly ? 30 : perPush }],
    };
  },
};

/** Five by the seed, all at night, or those that are asked for. */
function choose({ nightly, seed, only }: RigOptions): readonly Mutant[] {
  if (only !== null) return mutants.filter(({ name }) => name.includes(only));
  if (nightly) return mutants;
  const first = Math.abs(seed) % mutants.length;
  const step = 7; // Neighbours in the list are of one kind.
  return Array.from({ length: perPush }, (_, i) => mutants[(first + i * step) % mutants.length]!);
}

/** A copy of the checkout's sources and tests to plant bugs in. */
function prepare(folder: string): string {
  const copy = join(folder, 'planted');
  mkdirSync(copy);
  for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'bin', 'README.md']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Null when the bug was caught; else a sentence. */
async function tryMutant(copy: string, mutant: Mutant): Promise<string | null> {
  const path = join(copy, mutant.file);
  const source = readFileSync(path, 'utf8');
  const pieces = source.split(mutant.find);
  if (pieces.length !== 2) {
    return `"${mutant.name}": its text is found ${pieces.length - 1} times in ${mutant.file}; bring the mutant up to date`;
  }
  writeFileSync(path, pieces.join(mutant.replace));
  try {
    return (await isGreen(copy, mutant.caughtBy))
      ? `"${mutant.name}" was planted, and ${mutant.caughtBy} stayed green`
      : null;
  } finally {
    writeFileSync(path, source);
  }
}

function isGreen(copy: string, catcher: Mutant['caughtBy']): Promise<boolean> {
  const child = spawn(process.execPath, commandOf(catcher), { cwd: copy, stdio: 'ignore', detached: true });
  return new Promise((done, fail) => {
    const timer = setTimeout(() => killGroup(child), msMax);
    child.once('error', fail);
    child.once('close', (code) => {
      clearTimeout(timer);
      done(code === 0);
    });
  });
}

/** With what it started: a hanging test has workers. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // It ended by itself just now.
  }
}

function commandOf(catcher: Mutant['caughtBy']): string[] {
  if (catcher === 'histories') return ['test/proof/histories/play.ts', '7', '600', 'rough'];
  if (catcher.startsWith('hostile ')) return ['test/proof/hostile/play.ts', catcher.slice('hostile '.length)];
  return ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', catcher];
}
