import { formatSize } from '../../format/size.ts';
import type { Space } from './watch-deps.ts';

const floorBytesMin = 256 * 1024 * 1024;
/** One part in this many of the disk. */
const floorPart = 100;

/** Says why nothing may be captured for want of room, as a sentence; null when there is room, or nobody can tell. */
export function roomProblem(space: Space | null): string | null {
  if (space === null) return null;
  // A disk too small for the floor would never be captured to.
  const floor = Math.min(Math.max(floorBytesMin, space.sizeBytes / floorPart), space.sizeBytes / 4);
  if (space.freeBytes >= floor) return null;
  return `only ${formatSize(space.freeBytes)} are free on the disk of the private state, and ${formatSize(Math.round(floor))} are kept free`;
}
