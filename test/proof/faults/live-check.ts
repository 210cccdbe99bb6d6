import { type Content, capturedContent, differences, untouchable } from '../world.ts';
import type { Scenario } from './scenarios.ts';

/** The vault before a command, to be compared with what the command leaves. */
export interface LiveBefore {
  readonly everything: ReturnType<typeof untouchable>;
  readonly content: Content;
}

export function lookAtLive(root: string): LiveBefore {
  return { everything: untouchable(root), content: capturedContent(root) };
}

/**
 * Only a rollback changes live files (P4), and that only when it ends well: here its safety snapshot is what fails, and then
 * nothing may have moved (P6).
 */
export function liveTrouble(
  root: string,
  before: LiveBefore,
  { scenario, code, kept }: { scenario: Scenario; code: number; kept: ReadonlyMap<string, Content> },
): string[] {
  // The settings a new vault is given are what `init` is for.
  if (scenario.command === 'init') return [];
  const isMoved = scenario.bringsBack !== undefined && (code === 0 || code === 3);
  const lines = isMoved
    ? differences(withoutFolderTimes(kept.get(scenario.bringsBack!)!), withoutFolderTimes(capturedContent(root)))
    : differences(before.everything, untouchable(root));
  return lines.slice(0, 3).map((line) => `${isMoved ? 'P6' : 'P4'}: ${line}`);
}

/** What is moved in and out of a folder gives it another time. */
function withoutFolderTimes(content: Content): Content {
  return new Map(
    [...content].map(([path, found]) => [path, found.kind === 'folder' ? { ...found, micros: 0n } : found]),
  );
}
