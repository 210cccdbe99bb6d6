import { runCommand } from '../../../src/cli/run.ts';
import type { Session } from '../../../src/app/compose.ts';
import type { ObjectStorage } from '../../../src/ports/object-storage.ts';
import { type FakeIo, fakeIo } from '../../cli/fake-io.ts';
import { type MovableClock, openTestVault } from '../../support/test-vault.ts';

/** A machine with a vault; every command opens its ports anew, as a new process would. */
export interface Machine {
  readonly root: string;
  readonly clock: MovableClock;
  readonly machine: string;
  readonly storage: ObjectStorage;
}

export interface Ended {
  readonly code: number;
  readonly io: FakeIo;
}

/** Runs one command line in this process, with the real program between its words and its ports. */
export async function run(machine: Machine, words: readonly string[]): Promise<Ended> {
  const { root, clock } = machine;
  clock.advance(1000);
  const env = { PATH: process.env['PATH'] ?? '', XDG_DATA_HOME: `${root}.data`, HOLDFAST_MACHINE: machine.machine };
  const io = { ...fakeIo({ cwd: root, home: `${root}.home`, env }), now: () => clock.now() };
  const code = await runCommand([...words], io, {
    openSession: async (_config, _host, { events }) => ({ ...openDeps(machine), events }),
  });
  return { code, io };
}

/** The ports of this machine, without a command around them. */
export function openDeps({ root, clock, machine, storage }: Machine): Session {
  const { deps } = openTestVault({ root, clock, machine, storage });
  return { ...deps, [Symbol.asyncDispose]: async () => {} };
}
