import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restoreGuide } from '../../src/format/restore-guide.ts';
import { scratchFolder } from './scratch.ts';

/** The guide's blocks marked `sh`, by the heading they stand under. */
function blocksOf(guide: string): Map<string, string> {
  const blocks = new Map<string, string>();
  for (const section of guide.split(/^## /m).slice(1)) {
    const code = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
    if (code.length > 0) blocks.set(section.split('\n')[0]!, code.join('\n'));
  }
  return blocks;
}

/** Follows RESTORE.md with stock git up to and including the section that begins with `until`; returns the recovered folder. */
export function followGuide(
  store: string,
  until: string,
  guide = restoreGuide(),
  env: Readonly<Record<string, string>> = {},
): { recovered: string; output: string } {
  const work = scratchFolder();
  // A person's own settings, all of which would change bytes on the way out.
  writeFileSync(
    join(work, '.gitconfig'),
    '[core]\n autocrlf = true\n eol = crlf\n[filter "rot"]\n smudge = rev\n clean = rev\n[init]\n defaultBranch = trunk\n',
  );
  const blocks = [...blocksOf(guide)];
  const last = blocks.findIndex(([heading]) => heading.startsWith(until));
  const script = blocks
    .slice(0, last + 1)
    .map(([, code]) => code)
    .join('\n')
    .replace('STORE=/tmp/store', 'STORE=$1');
  const output = execFileSync('sh', ['-eu', '-c', script, 'sh', store], {
    cwd: work,
    env: { PATH: process.env['PATH'], HOME: work, GIT_CONFIG_NOSYSTEM: '1', TZ: 'Asia/Tokyo', ...env },
    encoding: 'utf8',
    stdio: 'pipe',
  });
  return { recovered: join(work, 'recovered'), output };
}
