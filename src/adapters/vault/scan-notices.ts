import { modeBits } from '../../model/vault-tree.ts';
import type { Notice } from '../../model/problem.ts';

/** What a walk met that makes nothing incomplete but a person should know. Plain numbers, so that parts of a walk add up. */
export class ScanCounts {
  vanished = 0;
  fifos = 0;
  sockets = 0;
  devices = 0;
  linksOutside = 0;
  specialModes = 0;
  mountPoints = 0;
  nestedRepositories = 0;

  /** Counts something that is neither file, link nor folder, by its `stat.mode`. */
  addSpecial(mode: number): void {
    const kind = mode & modeBits.kindMask;
    if (kind === 0o010000) this.fifos++;
    else if (kind === 0o140000) this.sockets++;
    else this.devices++;
  }

  add(other: Readonly<Omit<ScanCounts, 'add' | 'addSpecial'>>): void {
    this.vanished += other.vanished;
    this.fifos += other.fifos;
    this.sockets += other.sockets;
    this.devices += other.devices;
    this.linksOutside += other.linksOutside;
    this.specialModes += other.specialModes;
    this.mountPoints += other.mountPoints;
    this.nestedRepositories += other.nestedRepositories;
  }
}

/** Puts the counts into words; nothing is said of what did not occur. */
export function scanNotices(counts: ScanCounts, doubtfulRules: ReadonlySet<string>): Notice[] {
  const notices: Notice[] = [];
  const add = (code: Notice['code'], count: number, message: string): void => {
    if (count > 0) notices.push({ code, message, count });
  };
  const special = [
    counted(counts.fifos, 'fifo'),
    counted(counts.sockets, 'socket'),
    counted(counts.devices, 'device'),
  ].filter((text) => text !== '');
  const specialCount = counts.fifos + counts.sockets + counts.devices;
  add('special_file', specialCount, `${special.join(', ')} recorded, content not applicable`);
  const { vanished, linksOutside, specialModes, mountPoints, nestedRepositories } = counts;
  add('vanished', vanished, `${counted(vanished, 'entry', 'entries')} vanished while the vault was scanned`);
  add(
    'link_outside',
    linksOutside,
    `${counted(linksOutside, 'link')} to places outside the vault, stored as links only`,
  );
  add(
    'special_mode_bits',
    specialModes,
    `${counted(specialModes, 'entry', 'entries')} with setuid, setgid or sticky bits, which a restore does not set`,
  );
  add('mount_point', mountPoints, `${counted(mountPoints, 'mount point')} inside the vault`);
  add(
    'nested_repository',
    nestedRepositories,
    `${counted(nestedRepositories, 'nested repository', 'nested repositories')} stored as plain files, without .git`,
  );
  const doubtful = [...doubtfulRules].sort();
  const where = doubtful.slice(0, 3).map((source) => JSON.stringify(source).slice(1, -1));
  if (doubtful.length > where.length) where.push('others');
  add(
    'ignore_rule_doubtful',
    doubtful.length,
    `${counted(doubtful.length, 'ignore rule')} with "**" inside a name, which git may read differently: ${where.join(', ')}`,
  );
  return notices;
}

/** A short clause for a system error code, for problems. */
export function clauseOf(code: string): string {
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'ENAMETOOLONG') return 'the path is too long for the system';
  if (code === 'EIO') return 'the disk reports an error (EIO)';
  return `cannot be read (${code === '' ? 'unknown error' : code})`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return count === 0 ? '' : `${count} ${count === 1 ? one : many}`;
}
