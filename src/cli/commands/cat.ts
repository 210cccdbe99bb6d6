import { openBrowser } from '../../engine/browse.ts';
import { readFile } from '../../engine/read-file.ts';
import { displayName, jsonPath } from '../../format/display-name.ts';
import { HoldfastError } from '../../model/errors.ts';
import { isBinary } from '../../model/text-content.ts';
import { describePoint } from '../choose-point.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { askedWords, openPoints, readPathAndPoint } from '../points-at-hand.ts';

export const command: Command = {
  name: 'cat',
  summary: 'print a file of a restore point',
  description: [
    'Prints the bytes of one file as a restore point has them, each piece proved before it is printed. Of a link, prints where it ' +
      'leads. Binary files go to a terminal only with --force.',
  ],
  arguments: [
    { name: '<path>', summary: 'the file' },
    { name: '[when]', summary: 'id, label, time or latest (default: latest)', completes: 'snapshot' },
  ],
  options: [{ flags: '--force', summary: 'print binary files to a terminal, too' }],
  examples: [
    { command: 'holdfast cat notes/plan.md yesterday', means: 'the file as it was' },
    { command: 'holdfast cat photo.jpg latest > photo.jpg', means: 'its bytes into a file' },
  ],
  async run(context) {
    const { args, out, io, signal } = context;
    await using deps = await context.openSession();
    const at = await openPoints(context, deps, askedWords(context));
    const path = at.path(args[0]!);
    const { chosen } = await readPathAndPoint(at, [], args[1]);
    const browser = openBrowser(at.reader, chosen.point.record, { signal });
    const entry = await browser.find(path);
    if (entry.kind === 'folder') {
      throw new HoldfastError('path_invalid', `"${displayName(path)}" is a folder.`, {
        hint: 'List it with: holdfast ls, or bring it back with: holdfast restore',
      });
    }
    out.note(`  from ${describePoint(chosen, io.now())}`);
    let sizeBytes = 0;
    for await (const piece of readFile(browser, entry, { signal })) {
      const isFirst = sizeBytes === 0;
      if (isFirst && io.stdout.isTTY === true && !context.flag('force') && isBinary(piece)) throw binary();
      sizeBytes += piece.length;
      // In JSON the bytes would tear the lines apart.
      if (out.json) out.row('bytes', { base64: Buffer.from(piece).toString('base64') });
      else if (!out.quiet) await out.bytes(piece);
      await out.ready();
    }
    if (entry.kind === 'link' && io.stdout.isTTY === true && !out.json && !out.quiet)
      await out.bytes(Buffer.from('\n'));
    out.result({
      command: 'cat',
      id: chosen.point.record.id,
      ...jsonPath(path),
      kind: entry.kind,
      size_bytes: sizeBytes,
    });
    return exitCodes.ok;
  },
};

function binary(): HoldfastError {
  return new HoldfastError('path_invalid', 'This is a binary file; a terminal would make a mess of it.', {
    hint: 'Send it somewhere: holdfast cat ... > file, or insist with --force',
  });
}
