import { displayText } from '../../format/display-name.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Delivery } from '../../ports/notifier.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { printAdvice } from '../print-advice.ts';
import { printFact } from '../print-fact.ts';

export const command: Command = {
  name: 'notify',
  summary: 'try every way alerts can reach you',
  description: [
    'Sends a test alert on every channel of the settings (desktop, alerts.webhook, alerts.command, hooks.onAlert), calls ' +
      'alerts.heartbeat, and tells what happened with each. Ends 3 when one of them failed.',
    'Alerts tell of failures, of a vault that goes without a snapshot, of many files that vanish at once, of commits on no ' +
      'remote, of a growing unprotected set and of slow snapshots; each kind at most once in a while.',
  ],
  arguments: [{ name: '<action>', summary: 'test' }],
  options: [],
  examples: [{ command: 'holdfast notify test', means: 'see whether alerts reach you' }],
  async run({ args, out, signal, openSession }) {
    if (args[0] !== 'test') {
      throw new HoldfastError('flag_invalid', `There is no "notify ${displayText(args[0] ?? '', { charsMax: 40 })}".`, {
        hint: 'Use: holdfast notify test',
      });
    }
    await using deps = await openSession();
    const { identity, clock, notifier } = deps;
    const message = {
      kind: 'test',
      severity: 'warning',
      title: 'a test',
      text: 'This is a test of holdfast alerts: they reach you.',
      remedy: '',
      vault: displayText(identity.vault.name, { charsMax: 100 }),
      machine: identity.machine.name,
      at: clock.now().toISOString(),
    } as const;
    const beat = await notifier.beat({ signal });
    const deliveries = [...(await notifier.send(message, { signal })), ...(beat === null ? [] : [beat])];
    out.result({ command: 'notify', deliveries });
    for (const { channel, outcome, detail } of deliveries) {
      printFact(out, channel, `${out.paint(colours[outcome], outcome)}: ${displayText(detail)}`);
    }
    const reached = deliveries.filter(({ outcome }) => outcome === 'delivered').length;
    if (reached === 0) printAdvice(out, 'No alert would reach you. See "alerts" in:', 'holdfast help settings');
    const hasFailed = deliveries.some(({ outcome }) => outcome === 'failed' || outcome === 'untrusted');
    return hasFailed || reached === 0 ? exitCodes.incomplete : exitCodes.ok;
  },
};

const colours = {
  delivered: 'green',
  failed: 'red',
  untrusted: 'yellow',
  unavailable: 'yellow',
} as const satisfies Record<Delivery['outcome'], string>;
