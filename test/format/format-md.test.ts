import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chunksMark } from '../../src/format/chunked-name.ts';
import { chunkSizes } from '../../src/format/chunker.ts';
import { deltaDepthMax } from '../../src/format/git/entry-reader.ts';
import { objectBytesMax } from '../../src/format/git/pack-entry.ts';
import { decodeIndexLine } from '../../src/format/index-line.ts';
import { decodeMetadataLines } from '../../src/format/metadata-node.ts';
import { decodeRecord, encodeRecord, recordFormat, recordSizeBytesMax } from '../../src/format/snapshot-record.ts';
import { decodeStoreHeader, encodeStoreHeader, storeFormat } from '../../src/format/store-header.ts';
import { parseStoreKey, storeKeys } from '../../src/format/store-layout.ts';
import { sampleEvents } from '../support/sample-events.ts';
import { sampleId, sampleRecord } from '../support/sample-record.ts';

const document = readFileSync(join(import.meta.dirname, '../../src/format/FORMAT.md'), 'utf8');
const prose = document.replaceAll(/\s+/g, ' ');
const examples = [...document.matchAll(/^```text\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

function example(start: string): string {
  return examples.find((text) => text.startsWith(start))!;
}

test('the examples are real bytes: each is what the code would write', () => {
  const header = example('{\n  "format": 1,\n  "vaultId"');
  expect(Buffer.from(encodeStoreHeader(decodeStoreHeader(Buffer.from(header)))).toString()).toBe(header);
  const record = example('{\n  "format": 1,\n  "id"');
  expect(Buffer.from(encodeRecord(decodeRecord(Buffer.from(record), sampleId))).toString()).toBe(record);
  const line = example('{"v":1');
  expect(decodeIndexLine(Buffer.from(line.trimEnd()))).toMatchObject({ kind: 'row', row: { event: sampleEvents[0] } });
  const metadata = document.split('<mode> <mtime> <kind> <name> LF\n\n')[1]!.split('```')[0]!;
  expect(decodeMetadataLines(Buffer.from(metadata)).map(({ kind }) => kind)).toEqual([
    'file',
    'folder',
    'link',
    'chunked',
  ]);
});

test('every key, field, event and limit is written down', () => {
  const words: string[] = Object.values(storeKeys);
  const record = JSON.parse(Buffer.from(encodeRecord(sampleRecord())).toString()) as Record<string, object>;
  words.push(...Object.keys(record), ...Object.keys(record['git']!), ...Object.keys(record['counts']!));
  for (const event of sampleEvents) words.push(event.event, ...Object.keys(event).filter((key) => key !== 'event'));
  expect(words.filter((word) => !document.includes(word))).toEqual([]);
  for (const key of ['snapshots/<id>/snapshot.json', 'packs/pack-<hash>.pack', 'logs/<machine>/<yyyy-mm>.ndjson']) {
    expect(document).toContain(`\`${key}\``);
    const filled = key.replace('<id>', sampleId).replace('<hash>', 'd'.repeat(40));
    expect(parseStoreKey(filled.replace('<machine>', 'm1').replace('<yyyy-mm>', '2026-04'))).not.toBeNull();
  }
  const mebi = 1024 * 1024;
  expect(prose).toContain(`At most ${recordSizeBytesMax / mebi} MiB`);
  expect(prose).toContain(`an object over ${objectBytesMax / mebi} MiB`);
  expect(prose).toContain(`more than ${deltaDepthMax.toLocaleString('en')} deltas`);
  expect(prose).toContain(
    `${chunkSizes.min / 1024} KiB to ${chunkSizes.max / mebi} MiB, ${chunkSizes.normal / mebi} MiB`,
  );
  expect(prose).toContain(`\`N${chunksMark}\``);
  expect([recordFormat, storeFormat]).toEqual([1, 1]);
});
