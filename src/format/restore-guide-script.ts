import { restoreGuide } from './restore-guide.ts';

/** The commands of RESTORE.md marked `sh`, as one script that takes the newest snapshot of the store in `folder`. */
export function restoreGuideScript(folder: string): string {
  const blocks = [...restoreGuide().matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
  return blocks.join('\n').replace('STORE=/tmp/store', `STORE=$(cd ${folder} && pwd)`);
}
