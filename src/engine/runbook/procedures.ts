import type { RunbookFacts } from './facts.ts';

/** A step: what to do, and the command for it where there is one. */
export interface Step {
  readonly text: string;
  readonly command?: string;
}

export const phases = ['identify', 'validate', 'restore', 'verify', 'roll back'] as const;

export type RunbookPhase = (typeof phases)[number];

/** A procedure from first doubt to all clear. */
export interface Procedure {
  readonly id: string;
  readonly kind: 'scenario' | 'playbook';
  readonly title: string;
  /** When to reach for it. */
  readonly when: string;
  readonly steps: Readonly<Record<RunbookPhase, readonly Step[]>>;
}

/** All procedures, filled in with the vault's own ids and places. */
export function procedures(facts: RunbookFacts): readonly Procedure[] {
  return [
    storeLoss(facts),
    serviceFailure(facts),
    machineLoss(facts),
    indexCorruption(facts),
    accidentalDeletion(facts),
    dataRecovery(facts),
    quickRollback(facts),
    corruption(facts),
    partialFailure(facts),
  ];
}

const step = (text: string, command?: string): Step => (command === undefined ? { text } : { text, command });

function latestOf(facts: RunbookFacts): string {
  return facts.latest ?? 'ID';
}

function replicaOf(facts: RunbookFacts): string {
  return facts.replicas[0] ?? 'URL-OF-THE-REPLICA';
}

/** The steps that end most procedures. */
const allClear: readonly Step[] = [
  step('Prove the store, every byte.', 'holdfast verify --full'),
  step('Take a fresh restore point.', 'holdfast snapshot "after recovery"'),
  step('See green, or the reasons.', 'holdfast status'),
];

function storeLoss(facts: RunbookFacts): Procedure {
  return {
    id: 'store-loss',
    kind: 'scenario',
    title: 'Data in the store was lost',
    when: 'Objects, or all of the store, were deleted, overwritten or expired.',
    steps: {
      identify: [
        step('What is missing, and which snapshots it touches.', 'holdfast verify'),
        step('Whether a lifecycle rule or a person did it; stop that first.', 'holdfast doctor'),
      ],
      validate: [
        facts.hasVersions
          ? step('See what the kept versions can bring back.', 'holdfast repair --undelete --dry-run')
          : step('This storage keeps no versions: only a replica or this machine can help.'),
        step('See what the replica can bring back.', `holdfast repair --from '${replicaOf(facts)}' --dry-run`),
      ],
      restore: [
        ...(facts.hasVersions ? [step('Bring it back from versions.', 'holdfast repair --undelete')] : []),
        step('Bring back the rest from the replica.', `holdfast repair --full --from '${replicaOf(facts)}'`),
      ],
      verify: allClear,
      'roll back': [step('Repair only adds; what it replaced stays as a version, or in the holding directory.')],
    },
  };
}

function serviceFailure(facts: RunbookFacts): Procedure {
  return {
    id: 'service-failure',
    kind: 'scenario',
    title: 'The storage service is down, or refuses us',
    when: `${facts.store} does not answer, is full, or the credentials do not work any more.`,
    steps: {
      identify: [
        step('The exact reason and what waits here.', 'holdfast status'),
        step('Whether it is the service, the network or the key.', 'holdfast doctor --quick'),
      ],
      validate: [
        step('Captures go on into the spool meanwhile: nothing is lost.', 'holdfast snapshot "while offline"'),
      ],
      restore: [
        step('Needing something now: take it from the replica.', `holdfast restore PATH --store '${replicaOf(facts)}'`),
        step('A new place for good: set "store" in holdfast.json, then', 'holdfast init'),
      ],
      verify: [step('When the service is back: what waited goes up in order.', 'holdfast snapshot'), ...allClear],
      'roll back': [step('Set "store" back to what it was; snapshots of both places stay what they are.')],
    },
  };
}

function machineLoss(facts: RunbookFacts): Procedure {
  // A folder of the lost machine is lost with it.
  const isLostToo = facts.isLocal;
  const store = isLostToo ? replicaOf(facts) : facts.store;
  return {
    id: 'machine-loss',
    kind: 'scenario',
    title: 'The machine is gone',
    when: 'Stolen, broken, or its disk is dead.',
    steps: {
      identify: [
        step(`The newest restore point known when this was written: ${latestOf(facts)}.`),
        ...(isLostToo
          ? [
              step(
                `The store ${facts.store} is a folder of that machine: unless it is another disk, only a replica is left.`,
              ),
            ]
          : []),
      ],
      validate: [
        step('On another machine: install holdfast, set the credentials, look.', `holdfast list --store '${store}'`),
        ...(facts.isEncrypted
          ? [step('The store is encrypted: have the passphrase or the recovery key at hand.')]
          : []),
      ],
      restore: [
        step(
          'Make an empty folder the vault and join the store.',
          `mkdir vault && cd vault && holdfast init --store '${store}' --adopt`,
        ),
        step('Bring everything into the holding directory.', `holdfast restore --all ${latestOf(facts)}`),
        step(`Copy it out of ${facts.holdingDir}/; git history comes back by RESTORE.md, section 6.`),
        step('Without holdfast: RESTORE.md in the store needs only git and a shell.'),
      ],
      verify: allClear,
      'roll back': [step('Nothing of the old machine was changed; its restore points stay in the store.')],
    },
  };
}

function indexCorruption(facts: RunbookFacts): Procedure {
  return {
    id: 'index-corruption',
    kind: 'scenario',
    title: 'The local index or cache is damaged',
    when: 'state/log or state/.holdfast was deleted, emptied or garbled.',
    steps: {
      identify: [step('Which lines cannot be read.', 'holdfast status')],
      validate: [step('The records in the store are the truth; see them.', 'holdfast list')],
      restore: [
        step('Rebuild the index from the store.', 'holdfast reindex'),
        step('Caches may simply be deleted; never the spool (state/.holdfast/spool) nor the rollback journal (run).'),
      ],
      verify: [step(`The newest is ${latestOf(facts)}, or newer.`, 'holdfast list -n 3'), ...allClear],
      'roll back': [step('reindex appends; nothing was removed from the log.')],
    },
  };
}

function accidentalDeletion(facts: RunbookFacts): Procedure {
  return {
    id: 'accidental-deletion',
    kind: 'scenario',
    title: 'Files were deleted or overwritten by accident',
    when: 'A person, a script or an agent removed or changed what it should not have.',
    steps: {
      identify: [
        step('What is different from the last restore point.', 'holdfast diff --name-status'),
        step('Every version of one file, deleted ones included.', 'holdfast log PATH'),
      ],
      validate: [
        step('Prove that it comes back, writing nothing.', `holdfast restore PATH ${latestOf(facts)} --validate-only`),
      ],
      restore: [
        step('One file or folder, beside the live ones, with a diff.', `holdfast restore PATH ${latestOf(facts)}`),
        step('Everything that vanished at once.', 'holdfast rescue'),
      ],
      verify: [
        step('Compare, then copy; the command to do it is printed.'),
        step('Protect the result.', 'holdfast snapshot "recovered"'),
      ],
      'roll back': [step('Nothing live was touched: delete the folder in the holding directory.')],
    },
  };
}

function dataRecovery(facts: RunbookFacts): Procedure {
  return {
    id: 'data-recovery',
    kind: 'playbook',
    title: 'Recover data from any time',
    when: 'You know roughly when it was right.',
    steps: {
      identify: [
        step('Where a name occurs.', 'holdfast find NAME'),
        step('When it changed.', 'holdfast log PATH'),
        step('What was there at a time.', 'holdfast ls "yesterday 14:00"'),
      ],
      validate: [step('Look at it.', 'holdfast cat PATH "yesterday 14:00"')],
      restore: [step('Into the holding directory.', 'holdfast restore PATH "yesterday 14:00"')],
      verify: [step('Read the diff that is printed.')],
      'roll back': [step(`Delete the folder in ${facts.holdingDir}/.`)],
    },
  };
}

function quickRollback(facts: RunbookFacts): Procedure {
  const id = latestOf(facts);
  return {
    id: 'quick-rollback',
    kind: 'playbook',
    title: 'Put the whole vault back',
    when: 'Too much is wrong to pick files.',
    steps: {
      identify: [step('The last good point.', 'holdfast list')],
      validate: [step('The plan; changes nothing.', `holdfast rollback ${id}`)],
      restore: [
        step(
          'With the label typed back; a safety snapshot is taken first.',
          `holdfast rollback ${id} --apply --confirm-label="LABEL"`,
        ),
        step('If it was interrupted.', 'holdfast rollback --resume'),
      ],
      verify: [step('Nothing differs any more.', `holdfast diff ${id} --stat`)],
      'roll back': [step('Take the rollback back.', 'holdfast rollback --undo')],
    },
  };
}

function corruption(facts: RunbookFacts): Procedure {
  return {
    id: 'corruption',
    kind: 'playbook',
    title: 'Verify or a drill found damage',
    when: 'Exit code 7, or status is red.',
    steps: {
      identify: [step('Objects and the snapshots they touch.', 'holdfast verify --full')],
      validate: [
        step('What another copy can replace.', `holdfast repair --full --from '${replicaOf(facts)}' --dry-run`),
      ],
      restore: [
        step('From kept versions.', 'holdfast repair --full --undelete'),
        step('From the replica.', `holdfast repair --full --from '${replicaOf(facts)}'`),
        step('What lives in the vault now is safe with a new snapshot.', 'holdfast snapshot "after damage"'),
      ],
      verify: allClear,
      'roll back': [step('Damaged bytes stay as versions, or in the holding directory: evidence, not loss.')],
    },
  };
}

function partialFailure(facts: RunbookFacts): Procedure {
  return {
    id: 'partial-failure',
    kind: 'playbook',
    title: 'Something worked only in part',
    when: 'Exit code 3, a partial snapshot, or a restore ending in .INCOMPLETE.',
    steps: {
      identify: [
        step('Which paths, and why.', 'holdfast list --json -n 1'),
        step('Open alerts and reasons.', 'holdfast status'),
      ],
      validate: [step('Permissions, locks, space.', 'holdfast doctor')],
      restore: [
        step('Mend the cause, then capture again.', 'holdfast snapshot'),
        step(
          'A partial restore: ask for the rest from the replica.',
          `holdfast restore PATH --store '${replicaOf(facts)}'`,
        ),
      ],
      verify: [step('The newest point is complete.', 'holdfast list -n 1'), ...allClear],
      'roll back': [step(`An .INCOMPLETE folder in ${facts.holdingDir}/ may be deleted.`)],
    },
  };
}
