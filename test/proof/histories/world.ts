import { createHash } from 'node:crypto';
import { openPointReader, loadStoreView } from '../../../src/engine/store-view.ts';
import { diffTrees } from '../../../src/engine/diff-trees.ts';
import { openTreeReader } from '../../../src/engine/read-tree.ts';
import { listSnapshots } from '../../../src/engine/list-snapshots.ts';
import { reindex } from '../../../src/engine/reindex.ts';
import { restoreSnapshot } from '../../../src/engine/restore.ts';
import { takeSnapshot, type SnapshotOutcome } from '../../../src/engine/take-snapshot.ts';
import { verifyStore } from '../../../src/engine/verify-store.ts';
import { HoldfastError } from '../../../src/model/errors.ts';
import type { Label } from '../../../src/model/ids.ts';
import type { RestorePoint } from '../../../src/model/restore-point.ts';
import type { SnapshotRecord } from '../../../src/model/snapshot.ts';
import { createMemoryStorage, type MemoryStorage } from '../../support/memory-storage.ts';
import { applyEdit, paths } from './apply-edit.ts';
import { asRestored, differences, isSame, isSameContent, type Manifest, manifestOf } from './manifest.ts';
import { type FileNode, MachineDied } from './memory-disk.ts';
import * as fs from './memory-fs.ts';
import { SimMachine } from './sim-machine.ts';
import type { CommandName, Setting, Step, StepRunner, Trouble } from './steps.ts';

/** One snapshot somebody asked for: what it must hold, and what became of it. */
interface Attempt {
  readonly machine: string;
  readonly label: string;
  /** What the files were when it began, and after each edit until it ended. */
  readonly manifests: Manifest[];
  /** Told to the person as taken; the sequence number finds it again, for a clash may still change its id. */
  acknowledged: { readonly sequence: number; readonly complete: boolean } | null;
}

/** A snapshot of the store as the model knows it. */
interface Known {
  readonly record: SnapshotRecord;
  readonly attempt: Attempt;
  /** Exactly what a restore must give. */
  readonly manifest: Manifest;
}

type Command = Extract<Step, { do: CommandName }>;

/** A promise that was broken. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

const indexPath = 'state/log/snapshots.ndjson';
const labels = ['one', 'two', 'Two', 'a/b c', 'ü', 'auto-m0'];

/**
 * The real engine on simulated machines beside a model of what it promised. After every step the promises of RELIABILITY section 1
 * are compared with what is there; the model shares no code with the product.
 */
export class World implements StepRunner {
  readonly inner: MemoryStorage;
  readonly machines: SimMachine[];
  readonly trace: string[] = [];
  readonly attempts: Attempt[] = [];
  readonly known = new Map<string, Known>();
  readonly #bytes = new Map<string, Uint8Array>();
  /** Counts what was compared, for the page. */
  readonly counts = { steps: 0, commands: 0, checks: 0, troubles: 0 };
  readonly #forgetful = new Set<string>();
  #auditor: SimMachine | null = null;
  #serverMs = Date.parse('2026-03-01T09:00:00Z');

  constructor(setting: Setting) {
    fs.clearDisks();
    const { createIsExclusive, versioning, isLocal } = setting;
    this.inner = createMemoryStorage({ createIsExclusive, versioning, isLocal, now: () => new Date(this.#serverMs) });
    this.machines = Array.from({ length: setting.machines }, (_, i) => new SimMachine(`m${i}`, this.inner));
    for (const machine of this.machines) this.#rememberIndex(machine);
  }

  async run(step: Step): Promise<void> {
    this.counts.steps++;
    const machine = this.machines[step.machine % this.machines.length]!;
    const told = await this.#step(machine, step);
    this.trace.push(`${machine.name} ${step.do}: ${told}`);
    if (told === 'nothing to do') return;
    if (step.do === 'edit' || step.do === 'clock') return;
    await this.check();
  }

  /** Heals everything, lets every machine take one more snapshot, and looks whether all that was promised is there. */
  async finish(): Promise<void> {
    for (const machine of this.machines) {
      if (machine.paused !== null) await this.#resume(machine);
      machine.disarm();
    }
    for (const machine of this.machines) {
      await this.#command(machine, { do: 'snapshot', machine: 0, pick: 0, other: 0, trouble: null });
      await this.check();
    }
    for (const machine of this.machines) {
      await this.#command(machine, { do: 'list', machine: 0, pick: 0, other: 0, trouble: null });
    }
    for (const attempt of this.attempts) {
      const { acknowledged } = attempt;
      if (acknowledged === null) continue;
      const isThere = [...this.known.values()].some(
        ({ record }) => record.machine.id === attempt.machine && record.chain.sequence === acknowledged.sequence,
      );
      this.must(isThere, 'P1', `the snapshot "${attempt.label}" of ${attempt.machine} was acknowledged and is gone`);
    }
    this.#auditor = null;
    await this.#command(this.machines[0]!, { do: 'verify', machine: 0, pick: 0, other: 0, trouble: null });
    // Nothing in the store was changed or removed since each was restored when it came; the ends of the list are looked at again.
    const all = [...this.known.values()];
    for (const known of new Set([all.at(0), all.at(-1)])) if (known !== undefined) await this.#checkRestore(known);
    const hash = createHash('sha256');
    for (const key of this.inner.keys()) hash.update(key).update(this.inner.peek(key)!);
    this.trace.push(`store ${hash.digest('hex')}`);
  }

  must(isKept: boolean, promise: string, message: string): asserts isKept {
    this.counts.checks++;
    if (!isKept) throw new Broken(`${promise}: ${message}`);
  }

  async #step(machine: SimMachine, step: Step): Promise<string> {
    switch (step.do) {
      case 'edit': {
        const isDone = applyEdit(machine.disk, machine.vaultPath, step.edit);
        machine.disk.touched.clear();
        if (!isDone) return 'nothing to do';
        machine.live = machine.look();
        if (machine.paused !== null)
          this.attempts.findLast((one) => one.machine === machine.name)?.manifests.push(machine.live);
        return step.edit.edit;
      }
      case 'clock':
        machine.clock.advance(step.ms);
        if (step.ms > 0) this.#serverMs += Math.min(step.ms, 20_000);
        return 'moved';
      case 'lose':
        return this.#lose(machine, step.what);
      case 'resume':
        return machine.paused === null ? 'nothing to do' : this.#resume(machine);
      case 'crash': {
        if (machine.paused === null) return 'nothing to do';
        const { done, release } = machine.paused;
        machine.disk.isDead = true;
        release();
        await done;
        return 'killed while paused';
      }
      case 'snapshot':
      case 'list':
      case 'verify':
      case 'reindex':
      case 'restore':
      case 'diff':
        return machine.paused === null ? this.#command(machine, step) : 'nothing to do';
    }
  }

  #lose(machine: SimMachine, what: 'index' | 'cache'): string {
    if (machine.paused !== null) return 'nothing to do';
    const path = what === 'index' ? indexPath : 'state/.holdfast/cache';
    fs.rmSync(`${machine.vaultPath}/${path}`, { recursive: true, force: true });
    machine.disk.settle(`${machine.vaultPath}/state`);
    machine.disk.touched.clear();
    if (what === 'index') {
      machine.index = '';
      this.#forgetful.add(machine.name);
    }
    machine.open();
    return what;
  }

  async #resume(machine: SimMachine): Promise<string> {
    const { done, release } = machine.paused!;
    release();
    await done;
    return 'went on';
  }

  /** Runs one command to its end, to its death, or to where it pauses. */
  async #command(machine: SimMachine, step: Command): Promise<string> {
    this.counts.commands++;
    const pausing = machine.arm(step.trouble);
    const struckBefore = machine.store.struck;
    let told = '';
    const done = this.#perform(machine, step).then(
      (text) => void (told = this.#ended(machine, step, text)),
      (error: unknown) =>
        void (told = this.#failed(machine, step, { error, wasStruck: machine.store.struck > struckBefore })),
    );
    if (pausing === null) {
      await done;
      return told;
    }
    const ended = done.then(() => {
      machine.paused = null;
    });
    if ((await Promise.race([pausing, ended])) !== 'paused') return told;
    this.counts.troubles++;
    machine.paused = { done: ended, release: machine.release };
    // What goes wrong from here on would be reported by nobody: the next step that waits for it sees it.
    ended.catch(() => undefined);
    return 'paused';
  }

  #ended(machine: SimMachine, step: Command, text: string): string {
    if (machine.disk.isDead) return this.#died(machine, step.trouble);
    this.#countTrouble(machine);
    machine.disarm();
    this.must(machine.disk.openCount === 0, 'P12', `${machine.disk.openCount} descriptors are open after ${step.do}`);
    const index = this.#indexOf(machine);
    if (step.trouble === null && index !== null) {
      const isSynced = index.durable.length === index.bytes.length;
      this.must(isSynced, 'P3', `${step.do} ended before the rows it wrote were synced`);
    }
    return text;
  }

  #failed(machine: SimMachine, step: Command, ending: { error: unknown; wasStruck: boolean }): string {
    const { error } = ending;
    if (error instanceof Broken) throw error;
    if (machine.disk.isDead) return this.#died(machine, step.trouble);
    const wasStruck = ending.wasStruck || machine.disk.fault !== null;
    this.#countTrouble(machine);
    machine.disarm();
    if (!(error instanceof HoldfastError)) throw error instanceof MachineDied ? new Broken('died alive') : error;
    this.must(error.kind !== 'internal', 'P12', `${step.do} failed with a bug: ${error.code}: ${error.message}`);
    this.must(wasStruck, 'P12', `${step.do} failed although nothing was wrong: ${error.code}: ${error.message}`);
    this.must(
      machine.disk.openCount === 0,
      'P12',
      `${machine.disk.openCount} descriptors are open after ${error.code}`,
    );
    return error.code;
  }

  #died(machine: SimMachine, trouble: Trouble | null): string {
    this.counts.troubles++;
    machine.paused = null;
    machine.reboot({ powerCut: trouble?.kind === 'kill' && trouble.powerCut });
    machine.disarm();
    return 'killed';
  }

  #countTrouble({ store, disk }: SimMachine): void {
    const { fault } = disk;
    if (store.event !== null && store.calls >= store.event.at) this.counts.troubles++;
    if (fault !== null && disk.changes >= fault.call) this.counts.troubles++;
  }

  // The commands.

  async #perform(machine: SimMachine, step: Command): Promise<string> {
    const isLying =
      step.trouble?.kind === 'store' &&
      ['flipped', 'cut', 'stale-listing', 'broken-listing'].includes(step.trouble.fault);
    const { deps } = machine.vault;
    switch (step.do) {
      case 'snapshot':
        return this.#snapshot(machine, step);
      case 'list': {
        // While it waits, others may publish more.
        const before = [...this.known.keys()];
        const list = await listSnapshots(deps, { refresh: 'always' });
        const ids = new Set(list.points.map(({ record }) => record.id));
        if (list.unreachable === null && !isLying) this.#mustListAll(before, ids as ReadonlySet<string>);
        return `${ids.size} ${list.unreachable?.code ?? ''}`;
      }
      case 'verify': {
        const report = await verifyStore(deps, { depth: (['quick', 'new', 'full'] as const)[step.pick % 3]! });
        const first = report.findings[0];
        this.must(
          isLying || first === undefined,
          'P8',
          `verify raised a false alarm: ${first?.key}: ${first?.message}`,
        );
        return `${report.snapshots} ${report.findings.length}`;
      }
      case 'reindex': {
        const report = await reindex(deps);
        return `${report.snapshots} ${report.added}`;
      }
      case 'restore':
        return this.#restore(machine, step);
      case 'diff':
        return this.#diff(machine, step);
    }
  }

  async #snapshot(machine: SimMachine, step: Command): Promise<string> {
    const isAuto = step.pick >= labels.length;
    const label = isAuto ? `auto-${machine.name}` : labels[step.pick]!;
    const attempt: Attempt = { machine: machine.name, label, manifests: [machine.live], acknowledged: null };
    this.attempts.push(attempt);
    const outcome = await takeSnapshot(machine.vault.deps, {
      label: isAuto ? null : (label as Label),
      kind: isAuto ? 'auto' : 'manual',
    });
    if (machine.disk.isDead) return 'killed';
    if (outcome.kind === 'taken') {
      const { chain, complete } = outcome.record;
      attempt.acknowledged = { sequence: chain.sequence, complete };
      return `taken ${outcome.record.id} ${outcome.where} ${complete ? 'complete' : 'partial'}`;
    }
    this.#checkUnchanged(outcome, attempt);
    return 'unchanged';
  }

  /** "Nothing changed" is as much of a promise as a snapshot. */
  #checkUnchanged(outcome: Extract<SnapshotOutcome, { kind: 'unchanged' }>, attempt: Attempt): void {
    const known = this.known.get(outcome.latest);
    // One that waits may bear an id that another machine has published since.
    if (known?.record.machine.id !== attempt.machine || attempt.manifests.length > 1 || outcome.problems.length > 0)
      return;
    const lines = differences(known.manifest, asRestored(attempt.manifests[0]!), isSameContent);
    this.must(lines.length === 0, 'P2', `a change went unseen: ${lines[0]}`);
  }

  async #restore(machine: SimMachine, step: Command): Promise<string> {
    const { deps } = machine.vault;
    const view = await loadStoreView(deps, { refresh: 'always' });
    const point = view.points[step.pick % Math.max(1, view.points.length)];
    if (point === undefined) return 'no snapshot';
    const expected = this.known.get(point.record.id)?.manifest;
    const path = step.other < 6 ? null : paths[step.other]!;
    const isThere = path === null || expected?.has(path) === true;
    if (!isThere) return 'no such path';
    const { reader } = await openPointReader(deps, view.points);
    const outcome = await restoreSnapshot(deps, { point, reader, paths: path === null ? null : [path] });
    const folder = outcome.directory!;
    // What went wrong went wrong for the command, not for the one who looks at what it left.
    const { fault } = machine.disk;
    machine.disk.assertAlive();
    machine.disk.fault = null;
    const found = manifestOf(machine.disk, Buffer.from(folder).toString('latin1'));
    fs.rmSync(folder, { recursive: true });
    machine.disk.fault = fault;
    this.must(
      outcome.complete !== folder.endsWith('.INCOMPLETE'),
      'P8',
      `${folder} is ${outcome.complete ? '' : 'not '}complete`,
    );
    if (!outcome.complete || expected === undefined) return `incomplete ${outcome.damaged}`;
    const wanted = path === null ? expected : part(expected, path);
    const lines = differences(wanted, path === null ? found : part(found, path));
    this.must(lines.length === 0, 'P1', `a restore said to be complete differs: ${lines.join('; ')}`);
    return `restored ${found.size}`;
  }

  async #diff(machine: SimMachine, step: Command): Promise<string> {
    const { deps } = machine.vault;
    const { points } = await loadStoreView(deps, { refresh: 'always' });
    if (points.length === 0) return 'no snapshot';
    const { reader } = await openPointReader(deps, points);
    const trees = openTreeReader(reader);
    const [before, after] = [points[step.pick % points.length]!, points[step.other % points.length]!];
    const changes = await diffTrees(
      { trees, root: before.record.tree },
      { trees, root: after.record.tree },
      { except: 'state' },
    );
    const [one, two] = [this.known.get(before.record.id), this.known.get(after.record.id)];
    if (one === undefined || two === undefined) return 'not judged';
    const wanted = differences(filesOf(one.manifest), filesOf(two.manifest), isSameContent).length;
    this.must(changes.length === wanted, 'P2', `diff lists ${changes.length} changes, and there are ${wanted}`);
    return `${changes.length} changes`;
  }

  // The promises.

  async check(): Promise<void> {
    for (const machine of this.machines) {
      if (machine.disk.isDead) continue;
      this.#checkLive(machine);
      this.#checkIndex(machine);
    }
    await this.#checkStore();
  }

  /** P4 and P5: the files are as the person left them, and nothing was written but in our own places. */
  #checkLive(machine: SimMachine): void {
    const { disk, vaultPath } = machine;
    for (const path of disk.touched) {
      const isOurs =
        path.startsWith(`${vaultPath}/state/`) ||
        path.startsWith(`${vaultPath}/_restore`) ||
        path === `${vaultPath}/state`;
      this.must(isOurs, 'P5', `wrote ${JSON.stringify(path)}`);
    }
    disk.touched.clear();
    const lines = differences(machine.live, machine.look());
    this.must(lines.length === 0, 'P4', `the files of ${machine.name} changed: ${lines.join('; ')}`);
  }

  /** P9: rows are only ever added, and what was synced stays through a power cut. */
  #checkIndex(machine: SimMachine): void {
    const node = this.#indexOf(machine);
    const rows = node === null ? '' : Buffer.from(node.bytes).toString('latin1');
    this.must(rows.startsWith(machine.index), 'P9', `the index of ${machine.name} was rewritten`);
    this.#rememberIndex(machine);
  }

  #rememberIndex(machine: SimMachine): void {
    const node = machine.disk.survivor(`${machine.vaultPath}/${indexPath}`);
    machine.index = node === null ? '' : Buffer.from(node.durable).toString('latin1');
  }

  #indexOf(machine: SimMachine): FileNode | null {
    const node = machine.disk.find(`${machine.vaultPath}/${indexPath}`, { follow: false });
    return node?.kind === 'file' ? node : null;
  }

  /** What was stored stays as it is; what is new must be whole. */
  async #checkStore(): Promise<void> {
    for (const [key, bytes] of this.#bytes) {
      const now = this.inner.peek(key);
      this.must(now !== undefined, 'P7', `${key} is gone from the store`);
      this.must(now === bytes || Buffer.compare(now, bytes) === 0, 'P7', `${key} was overwritten`);
    }
    let hasNews = false;
    for (const key of this.inner.keys()) {
      if (this.#bytes.has(key)) continue;
      this.#bytes.set(key, this.inner.peek(key)!);
      hasNews ||= key.endsWith('/snapshot.json');
    }
    if (!hasNews) return;
    for (const point of await this.#audit()) {
      if (!this.known.has(point.record.id)) await this.#meet(point);
    }
  }

  /** The store as a machine sees it that has never been there. */
  async #audit(): Promise<readonly RestorePoint[]> {
    this.#auditor ??= new SimMachine('audit', this.inner);
    const view = await loadStoreView(this.#auditor.vault.deps, { refresh: 'always' });
    this.must(view.invalid.length === 0, 'P3', `the store holds an invalid record: ${view.invalid[0]?.reason}`);
    this.must(view.missing.length === 0, 'P3', `the store lost ${view.missing.join(' ')}`);
    return view.points;
  }

  /** A snapshot that was not there before: acknowledged or not, it must be whole, and one that somebody asked for. */
  async #meet(point: RestorePoint): Promise<void> {
    const { record } = point;
    const candidates = this.attempts.filter(
      ({ machine, label }) => machine === record.machine.id && label === record.label,
    );
    this.must(candidates.length > 0, 'P10', `nobody asked for ${record.id}`);
    const twin = [...this.known.values()].find(
      (known) => known.record.machine.id === record.machine.id && known.record.chain.sequence === record.chain.sequence,
    );
    // With its cache and its log both gone, a machine cut off from the store cannot know that it was there before.
    this.must(
      twin === undefined || this.#forgetful.has(record.machine.id),
      'P10',
      `${record.id} and ${twin?.record.id} are both number ${record.chain.sequence}`,
    );
    this.#checkChain(record);
    const found = await this.#restoreFor(point);
    const named = record.problems.map(({ path }) => path);
    this.must(
      record.complete === (named.length === 0),
      'P2',
      `${record.id} is ${record.complete ? '' : 'not '}complete, ${named.length} problems`,
    );
    const why: string[] = [];
    for (const attempt of candidates.toReversed()) {
      const lines = misses(attempt.manifests, found, named);
      if (lines.length === 0) {
        this.known.set(record.id, { record, attempt, manifest: found });
        return;
      }
      why.push(lines.join('; '));
    }
    this.must(false, 'P1', `${record.id} restores to something that never was: ${why.join(' | ')}`);
  }

  /** Each record names the one before it of its machine by its hash, so that a gap or a forgery shows. */
  #checkChain({ id, machine, chain }: SnapshotRecord): void {
    const before = [...this.known.values()].find(
      ({ record }) => record.machine.id === machine.id && record.chain.sequence === chain.sequence - 1,
    );
    const bytes = before === undefined ? undefined : this.inner.peek(`snapshots/${before.record.id}/snapshot.json`);
    if (bytes === undefined) return;
    const hash = createHash('sha256').update(bytes).digest('hex');
    this.must(chain.previous === hash, 'P8', `${id} does not name the record before it`);
  }

  async #checkRestore(known: Known): Promise<void> {
    const point = (await this.#audit()).find(({ record }) => record.id === known.record.id);
    this.must(point !== undefined, 'P1', `${known.record.id} is gone`);
    const lines = differences(known.manifest, await this.#restoreFor(point));
    this.must(lines.length === 0, 'P1', `${known.record.id} restores otherwise than before: ${lines.join('; ')}`);
  }

  async #restoreFor(point: RestorePoint): Promise<Manifest> {
    const auditor = this.#auditor!;
    const { deps } = auditor.vault;
    const { points } = await loadStoreView(deps, { refresh: 'never' });
    const { reader } = await openPointReader(deps, points);
    const outcome = await restoreSnapshot(deps, { point, reader, paths: null });
    const problem = outcome.problems[0];
    this.must(outcome.complete, 'P1', `${point.record.id} cannot be restored: ${problem?.path}: ${problem?.message}`);
    const found = manifestOf(auditor.disk, Buffer.from(outcome.directory!).toString('latin1'));
    fs.rmSync(outcome.directory!, { recursive: true });
    auditor.disk.touched.clear();
    return found;
  }

  #mustListAll(before: readonly string[], ids: ReadonlySet<string>): void {
    for (const id of before) this.must(ids.has(id), 'P10', `${id} is not listed`);
  }
}

/** What is missing or wrong in a restore of an attempt; nothing when it is what was promised. */
function misses(manifests: readonly Manifest[], found: Manifest, named: readonly string[]): string[] {
  const isNamed = (path: string): boolean => named.some((name) => path === name || path.startsWith(`${name}/`));
  const wanted = manifests.map((manifest) => asRestored(new Map([...manifest].filter(([path]) => !isNamed(path)))));
  const rest = new Map([...found].filter(([path]) => !isNamed(path)));
  if (wanted.length === 1) return differences(wanted[0]!, rest);
  // Files were edited meanwhile: each must be as it was at some moment, and what nobody touched must be there (X08).
  const lines: string[] = [];
  for (const [path, entry] of rest) {
    const isReal = wanted.some((manifest) => {
      const then = manifest.get(path);
      return (
        then !== undefined &&
        (isSame(then, entry) || (then.kind === 'folder' && entry.kind === 'folder') || isSameContent(then, entry))
      );
    });
    if (!isReal) lines.push(`${JSON.stringify(path)} never was so`);
  }
  for (const path of wanted[0]!.keys()) {
    if (!rest.has(path) && wanted.every((manifest) => manifest.has(path)))
      lines.push(`missing ${JSON.stringify(path)}`);
  }
  return lines;
}

function part(manifest: Manifest, path: string): Manifest {
  return new Map([...manifest].filter(([name]) => name === path || name.startsWith(`${path}/`)));
}

/** Git's trees know no empty folders. */
function filesOf(manifest: Manifest): Manifest {
  return new Map([...manifest].filter(([, { kind }]) => kind !== 'folder'));
}
