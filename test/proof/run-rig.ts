/** Runs one rig in this process, which the runner started, and sends its result to it. */
import type { RigOptions, RigResult } from './rig.ts';
import { rigs } from './rigs.ts';

/** What the runner asks for: `RigOptions` that can be sent. */
export type RigOrder = Omit<RigOptions, 'progress'> & { readonly rig: string };

export type RigMessage =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'result'; readonly title: string; readonly result: RigResult };

process.once('message', (order: RigOrder) => {
  void run(order);
});
// The runner is gone: nobody reads the result, and nobody would remove what is left behind.
process.once('disconnect', () => process.exit(1));

async function run({ rig: name, ...order }: RigOrder): Promise<void> {
  const send = (message: RigMessage): Promise<void> => new Promise((done) => process.send!(message, () => done()));
  const entry = rigs.find((one) => one.name === name)!;
  let title = name;
  try {
    const rig = await entry.load();
    title = rig.title;
    const result = await rig.run({ ...order, progress: (text) => void send({ kind: 'progress', text }) });
    await send({ kind: 'result', title, result });
  } catch (thrown) {
    const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    const failures = [`the rig could not run: ${reason}`];
    await send({ kind: 'result', title, result: { checks: 0, seeds: [], failures, notes: [] } });
  }
  process.exit(0);
}
