import fc from 'fast-check';

/** What a person does to their files. `path` picks one of a few names, `to` another. */
export type Edit =
  | {
      readonly edit: 'write' | 'append' | 'rewrite';
      readonly path: number;
      readonly content: number;
      readonly size: number;
    }
  | { readonly edit: 'truncate' | 'delete' | 'mkdir' | 'hide' | 'show' | 'executable'; readonly path: number }
  | { readonly edit: 'rename'; readonly path: number; readonly to: number }
  | { readonly edit: 'link'; readonly path: number; readonly target: number };

export type StoreFaultKind =
  | 'lost-request'
  | 'lost-reply'
  | 'busy'
  | 'denied'
  | 'flipped'
  | 'cut'
  | 'stale-listing'
  | 'broken-listing';

/** What goes wrong during one command; `at` counts the calls of the store, or those that change the disk, from 1. */
export type Trouble =
  | { readonly kind: 'store'; readonly at: number; readonly fault: StoreFaultKind; readonly isForEver: boolean }
  | {
      readonly kind: 'disk';
      readonly at: number;
      readonly code: 'EIO' | 'ENOSPC' | 'EMFILE';
      readonly isForEver: boolean;
    }
  | {
      readonly kind: 'kill';
      readonly at: number;
      readonly on: 'store' | 'disk';
      readonly isAfter: boolean;
      readonly powerCut: boolean;
    }
  | { readonly kind: 'pause'; readonly at: number };

export type CommandName = 'snapshot' | 'list' | 'verify' | 'reindex' | 'restore' | 'diff';

/** One step of a history: plain data, so that a failure can be kept as JSON and replayed for ever. */
export type Step =
  | { readonly do: 'edit'; readonly machine: number; readonly edit: Edit }
  | {
      readonly do: CommandName;
      readonly machine: number;
      /** Which label, restore point or path, as far as the command takes one. */
      readonly pick: number;
      readonly other: number;
      readonly trouble: Trouble | null;
    }
  | { readonly do: 'clock'; readonly machine: number; readonly ms: number }
  | { readonly do: 'resume' | 'crash'; readonly machine: number }
  | { readonly do: 'lose'; readonly machine: number; readonly what: 'index' | 'cache' };

/** The world a history plays in. */
export interface Setting {
  readonly machines: number;
  readonly createIsExclusive: boolean;
  readonly versioning: 'on' | 'off';
  readonly isLocal: boolean;
}

export interface History {
  readonly setting: Setting;
  readonly steps: readonly Step[];
}

export const stepsMax = 40;

const machine = fc.nat({ max: 2 });
const small = fc.nat({ max: 11 });

const edits: Record<Edit['edit'], fc.Arbitrary<Edit>> = {
  write: fc.record({ edit: fc.constant('write'), path: small, content: small, size: fc.nat({ max: 300 }) }),
  append: fc.record({ edit: fc.constant('append'), path: small, content: small, size: fc.nat({ max: 50 }) }),
  rewrite: fc.record({ edit: fc.constant('rewrite'), path: small, content: small, size: fc.constant(0) }),
  truncate: fc.record({ edit: fc.constant('truncate'), path: small }),
  delete: fc.record({ edit: fc.constant('delete'), path: small }),
  mkdir: fc.record({ edit: fc.constant('mkdir'), path: small }),
  hide: fc.record({ edit: fc.constant('hide'), path: small }),
  show: fc.record({ edit: fc.constant('show'), path: small }),
  executable: fc.record({ edit: fc.constant('executable'), path: small }),
  rename: fc.record({ edit: fc.constant('rename'), path: small, to: small }),
  link: fc.record({ edit: fc.constant('link'), path: small, target: small }),
};

const troubles: Record<string, fc.Arbitrary<Trouble>> = {
  store: fc.record({
    kind: fc.constant('store'),
    at: fc.integer({ min: 1, max: 12 }),
    fault: fc.constantFrom<StoreFaultKind>('lost-request', 'lost-reply', 'busy', 'denied'),
    isForEver: fc.boolean(),
  }),
  lies: fc.record({
    kind: fc.constant('store'),
    at: fc.integer({ min: 1, max: 12 }),
    fault: fc.constantFrom<StoreFaultKind>('flipped', 'cut', 'stale-listing', 'broken-listing'),
    isForEver: fc.boolean(),
  }),
  disk: fc.record({
    kind: fc.constant('disk'),
    at: fc.integer({ min: 1, max: 60 }),
    code: fc.constantFrom('EIO', 'ENOSPC', 'EMFILE'),
    isForEver: fc.boolean(),
  }),
  kill: fc.record({
    kind: fc.constant('kill'),
    at: fc.integer({ min: 1, max: 60 }),
    on: fc.constant('disk'),
    isAfter: fc.boolean(),
    powerCut: fc.boolean(),
  }),
  killAtStore: fc.record({
    kind: fc.constant('kill'),
    at: fc.integer({ min: 1, max: 12 }),
    on: fc.constant('store'),
    isAfter: fc.boolean(),
    powerCut: fc.boolean(),
  }),
  pause: fc.record({ kind: fc.constant('pause'), at: fc.integer({ min: 1, max: 8 }) }),
};

const commandNames: readonly CommandName[] = ['snapshot', 'list', 'verify', 'reindex', 'restore', 'diff'];

/** Every kind of step by name: a history draws its own subset, so that rare combinations get whole histories of their own. */
function arbitraries(swarm: Swarm): fc.Arbitrary<Step>[] {
  const trouble = swarm.troubles.map((name) => troubles[name]!);
  const someTrouble: fc.Arbitrary<Trouble | null> =
    trouble.length === 0 ? fc.constant(null) : fc.option(fc.oneof(...trouble), { nil: null, freq: 2 });
  const command = (name: CommandName): fc.Arbitrary<Step> =>
    fc.record({ do: fc.constant(name), machine, pick: small, other: small, trouble: someTrouble });
  const edit = fc.record({
    do: fc.constant('edit' as const),
    machine,
    edit: fc.oneof(...swarm.edits.map((e) => edits[e])),
  });
  const rest: fc.Arbitrary<Step>[] = [
    fc.record({ do: fc.constant('clock' as const), machine, ms: fc.integer({ min: 1, max: 20_000 }) }),
  ];
  if (swarm.clockJumps) {
    rest.push(
      fc.record({
        do: fc.constant('clock' as const),
        machine,
        ms: fc.integer({ min: -400 * 86_400_000, max: 4_000 * 86_400_000 }),
      }),
    );
  }
  if (swarm.troubles.includes('pause')) {
    rest.push(fc.record({ do: fc.constant('resume' as const), machine }));
    rest.push(fc.record({ do: fc.constant('crash' as const), machine }));
  }
  if (swarm.losses) {
    rest.push(
      fc.record({
        do: fc.constant('lose' as const),
        machine,
        what: fc.constantFrom('index' as const, 'cache' as const),
      }),
    );
  }
  // Without snapshots there is nothing to lose, so they always are in it, and often.
  return [edit, edit, edit, command('snapshot'), command('snapshot'), ...swarm.commands.map(command), ...rest];
}

interface Swarm {
  readonly edits: readonly Edit['edit'][];
  readonly commands: readonly CommandName[];
  readonly troubles: readonly string[];
  readonly clockJumps: boolean;
  readonly losses: boolean;
}

const swarms: fc.Arbitrary<Swarm> = fc.record({
  edits: fc.subarray(Object.keys(edits) as Edit['edit'][], { minLength: 1 }).map((some) => [...some, 'write' as const]),
  commands: fc.subarray([...commandNames]),
  troubles: fc.subarray(Object.keys(troubles)),
  clockJumps: fc.boolean(),
  losses: fc.boolean(),
});

const settings: fc.Arbitrary<Setting> = fc.record({
  machines: fc.integer({ min: 1, max: 3 }),
  createIsExclusive: fc.boolean(),
  versioning: fc.constantFrom('on' as const, 'off' as const),
  isLocal: fc.boolean(),
});

/** A step as fast-check's model runner takes it. */
export class StepCommand<World extends StepRunner> implements fc.AsyncCommand<object, World> {
  readonly step: Step;

  constructor(step: Step) {
    this.step = step;
  }

  check(): boolean {
    return true;
  }

  run(_: object, world: World): Promise<void> {
    return world.run(this.step);
  }

  toString(): string {
    return JSON.stringify(this.step);
  }
}

export interface StepRunner {
  run(step: Step): Promise<void>;
}

/** Histories of at most `stepsMax` steps, shrunk by leaving out steps and making them plainer. */
export function historyArbitrary<World extends StepRunner>(replayPath?: string) {
  return fc.tuple(settings, swarms).chain(([setting, swarm]) => {
    const commands = arbitraries(swarm).map((one) => one.map((step) => new StepCommand<World>(step)));
    const options = {
      maxCommands: stepsMax,
      size: 'max' as const,
      ...(replayPath === undefined ? {} : { replayPath }),
    };
    return fc.record({ setting: fc.constant(setting), commands: fc.commands(commands, options) });
  });
}
