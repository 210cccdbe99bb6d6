/** A bug planted on purpose: one text of one source file, replaced. */
export interface Mutant {
  /** What a programmer might have done. */
  readonly name: string;
  readonly file: string;
  /** Must occur in the file exactly once, or the mutant itself is broken and the rig is red. */
  readonly find: string;
  readonly replace: string;
  /** What must go red: 'histories', a part of the hostile corpus, or a test file. */
  readonly caughtBy: 'histories' | `hostile ${string}` | `test/${string}.test.ts`;
}

const publish = 'src/engine/publish-snapshots.ts';
const spool = 'src/adapters/spool/open-spool.ts';
const index = 'src/adapters/snapshot-index/open-snapshot-index.ts';
const view = 'src/engine/store-view.ts';
const restoring = 'src/engine/restore.ts';
const takeTest = 'test/engine/take-snapshot.test.ts';

export const mutants: readonly Mutant[] = [
  {
    name: 'the record is stored before its packs',
    file: publish,
    find: '  for (const pack of snapshot.record.packs) {\n    await deps.storage.putIfAbsent(pack.key',
    replace:
      '  await deps.storage.putIfAbsent(recordKey(snapshot.record.id), bytesBody(snapshot.recordBytes));\n  for (const pack of snapshot.record.packs) {\n    await deps.storage.putIfAbsent(pack.key',
    caughtBy: 'histories',
  },
  {
    name: 'the index of a pack is never stored',
    file: publish,
    find: "    await deps.storage.putIfAbsent(packIndexKey(pack.key), fileBody(snapshot.directory, pack, 'idx'), { signal });\n",
    replace: '',
    caughtBy: takeTest,
  },
  {
    name: 'a snapshot leaves the spool before its record is stored',
    file: publish,
    find: '  signal?.throwIfAborted(); // Last way out: after the next line the snapshot exists.\n',
    replace: '  await deps.spool.remove(snapshot);\n',
    caughtBy: 'histories',
  },
  {
    name: 'a pack is not synced',
    file: 'src/adapters/objects/finish-pack.ts',
    find: '    writeFully(fd, trailer);\n    fsyncSync(fd);\n',
    replace: '    writeFully(fd, trailer);\n',
    caughtBy: 'histories',
  },
  {
    name: 'the name of a captured snapshot is not synced',
    file: spool,
    find: '  renameSync(draft, directory);\n  syncDirectory(spool);\n',
    replace: '  renameSync(draft, directory);\n',
    caughtBy: 'histories',
  },
  {
    name: 'the index is written anew each time',
    file: index,
    find: 'constants.O_RDWR | constants.O_APPEND |',
    replace: 'constants.O_RDWR | constants.O_TRUNC | constants.O_APPEND |',
    caughtBy: 'histories',
  },
  {
    name: 'rows of the index are not synced',
    file: index,
    find: '    fsyncSync(fd);\n    if (sizeBytes === 0)',
    replace: '    if (sizeBytes === 0)',
    caughtBy: 'histories',
  },
  {
    name: 'a torn last line is not closed',
    file: index,
    find: 'endsWithNewline(fd, sizeBytes) ? []',
    replace: 'sizeBytes >= 0 ? []',
    caughtBy: 'test/hazards/torn-index.test.ts',
  },
  {
    name: 'a file touched just now is believed unchanged',
    file: 'src/adapters/vault/scan-walk.ts',
    find: 'if (listing.ctimes[i]! >= this.#settings.racyFromMs) flags |= entryFlags.racy;',
    replace: '',
    caughtBy: 'histories',
  },
  {
    name: 'size and time alone prove a file unchanged',
    file: 'src/adapters/vault/scan-match.ts',
    find: '      tree.ctimes[row] === listing.ctimes[i] &&\n',
    replace: '',
    caughtBy: 'histories',
  },
  {
    name: 'what was read into a discarded draft is believed stored',
    file: 'src/engine/capture-vault.ts',
    find: 'forgetMissing(scan, opened.known);',
    replace: '',
    caughtBy: 'histories',
  },
  {
    name: 'records are not chained',
    file: 'src/engine/make-record.ts',
    find: 'previous: previous?.recordSha256 ?? null',
    replace: 'previous: null',
    caughtBy: 'histories',
  },
  {
    name: 'the sequence of records starts over',
    file: 'src/engine/make-record.ts',
    find: '(previous?.record.chain.sequence ?? 0) + 1',
    replace: '1',
    caughtBy: 'histories',
  },
  {
    name: 'a snapshot with problems is called complete',
    file: 'src/engine/make-record.ts',
    find: 'complete: parts.problems.length === 0 &&',
    replace: 'complete: parts.problems.length >= 0 &&',
    caughtBy: 'histories',
  },
  {
    name: 'problems are left out of the record',
    file: 'src/engine/make-record.ts',
    find: 'problems: foldProblems(parts.problems),',
    replace: 'problems: [],',
    caughtBy: 'histories',
  },
  {
    name: 'a listing that lacks a snapshot means that it is gone',
    file: view,
    find: 'if (found !== null) hidden.add(id);',
    replace: 'if (found !== null) hidden.delete(id);',
    caughtBy: 'test/hazards/store-faults.test.ts',
  },
  {
    name: 'records lost from the cache are not asked for',
    file: view,
    find: "options.refresh === 'due' && storedIds",
    replace: "options.refresh !== 'due' && storedIds",
    caughtBy: 'histories',
  },
  {
    name: 'a store that lost snapshots is built upon',
    file: view,
    find: '  if (view.missing.length === 0) return;\n',
    replace: '  if (view.missing.length >= 0) return;\n',
    caughtBy: takeTest,
  },
  {
    name: 'a store of another vault is written to',
    file: 'src/engine/ensure-store.ts',
    find: '  if (header.vaultId === deps.identity.vault.id) return;\n',
    replace: '  if (header.vaultId !== "") return;\n',
    caughtBy: takeTest,
  },
  {
    name: 'a forgetful machine begins its chain again',
    file: 'src/engine/take-snapshot.ts',
    find: '  await assertChainKnown(deps, known);\n',
    replace: '',
    caughtBy: 'histories',
  },
  {
    name: 'new empty folders are no change',
    file: 'src/engine/count-changes.ts',
    find: 'hasAny(counted) || (await metadataDiffers(tree, previous.record, options))',
    replace: 'hasAny(counted)',
    caughtBy: 'histories',
  },
  {
    name: 'empty folders are not restored',
    file: 'src/engine/write-files.ts',
    find: '  run.createFolders();\n',
    replace: '',
    caughtBy: 'histories',
  },
  {
    name: 'the hash of a restored file is not compared',
    file: 'src/adapters/holding/run-write-job.ts',
    find: "if (objectIdOf('blob', content) === id) return content;",
    replace: "if (id !== '') return content;",
    caughtBy: 'hostile an object under a name it does not have',
  },
  {
    name: 'an incomplete restore gets its final name',
    file: 'src/adapters/holding/holding-writer.ts',
    find: 'const isWhole = options.whole && ',
    replace: 'const isWhole = options !== null || ',
    caughtBy: 'test/hazards/store-hostile.test.ts',
  },
  {
    name: 'damage does not make a restore incomplete',
    file: restoring,
    find: "complete: damaged === 0 && problems.every((problem) => problem.code !== 'not_restored'),",
    replace: 'complete: true,',
    caughtBy: 'test/hazards/store-hostile.test.ts',
  },
  {
    name: 'a file is created through a link that is there',
    file: 'src/adapters/holding/create-file.ts',
    find: 'constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)',
    replace: 'constants.O_WRONLY | constants.O_CREAT',
    caughtBy: 'test/hazards/restore-escapes.test.ts',
  },
  {
    name: 'a folder swapped for a link is followed',
    file: 'src/adapters/holding/own-folder.ts',
    find: 'constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)',
    replace: 'constants.O_RDONLY',
    caughtBy: 'test/hazards/restore-escapes.test.ts',
  },
  {
    name: '".." is a name like any other',
    file: 'src/model/path-policy.ts',
    find: "  if (name === '.' || name === '..') return",
    replace: "  if (name === '.') return",
    caughtBy: 'hostile ".."',
  },
  {
    name: 'spellings of .git that HFS+ reads are let through',
    file: 'src/model/path-policy.ts',
    find: "  if (isDotNameOnHfs(name, '.git') || tailsOnNtfs",
    replace: '  if (tailsOnNtfs',
    caughtBy: 'test/model/path-policy.test.ts',
  },
  {
    name: 'names are printed as they are',
    file: 'src/format/display-name.ts',
    find: '  if (plainName.test(name)) return shorten(name, options);\n',
    replace: '  if (name.length > 0) return shorten(Buffer.from(name, "latin1").toString("utf8"), options);\n',
    caughtBy: 'hostile file ',
  },
  {
    name: 'a refused request is called damage',
    file: 'src/engine/inspect-snapshot.ts',
    find: '      // A store that cannot be reached says nothing about what it holds.\n      if (!isDamage(error)) throw error;\n      troubles.push(error.message);',
    replace: '      troubles.push((error as Error).message);',
    caughtBy: 'histories',
  },
  {
    name: 'a failing disk ends as a bug of ours',
    file: spool,
    find: '      } catch {\n        // What made the capture fail is the error to report, alone; the next command sweeps what is left here.\n      }',
    replace: '      } finally {\n        claimDraft(name);\n      }',
    caughtBy: 'histories',
  },
  {
    name: '412 is a failure',
    file: 'src/adapters/storage/s3-put.ts',
    find: "    if (!isHoldfastError(error) || error.data['status'] !== 412) throw error;",
    replace: '    throw error;',
    caughtBy: 'test/hazards/store-faults.test.ts',
  },
  {
    name: 'the label is compared loosely',
    file: 'src/engine/rollback/run-rollback.ts',
    find: '  if (given === record.label) return;',
    replace: '  if (given.trim().toLowerCase() === record.label.toLowerCase()) return;',
    caughtBy: 'test/engine/rollback/refusals.test.ts',
  },
  {
    name: 'the key commitment of a sealed object is not compared',
    file: 'src/format/sealed-object.ts',
    find: 'if (!timingSafeEqual(commitment, header.subarray(at.commitment))) {',
    replace: 'if (commitment.length === 0) {',
    caughtBy: 'test/format/sealed-object.test.ts',
  },
  {
    name: 'prune does not wait for the grace to pass',
    file: 'src/engine/prune/sweep-condemned.ts',
    find: ' || storeNow.getTime() - writtenAt.getTime() < graceMs) return false;',
    replace: ') return false;',
    caughtBy: 'test/engine/prune/apply-prune.test.ts',
  },
];
