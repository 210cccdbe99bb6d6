import type { GitState } from '../../model/snapshot.ts';
import type { GitRepository, RepositorySummary, Upstream } from '../../ports/git-repository.ts';
import type { IndexPaths } from '../../format/git-index-paths.ts';
import type { Notice } from '../../model/problem.ts';
import { captureRepositoryHistory } from './capture-history.ts';
import { countCommits, countUnpushed } from './count-unpushed.ts';
import { countWork } from './count-work.ts';
import { findUpstream } from './find-upstream.ts';
import { isFolderIgnoredByName, ignoresAllWithin } from './folder-rules.ts';
import { findIgnoreSources, positionInWorkTree } from './ignore-sources.ts';
import type { WorkTreePosition } from './ignore-sources.ts';
import { inspectRepository } from './inspect-repository.ts';
import type { Inspected, Repository } from './inspect-repository.ts';
import type { GitSurroundings, LoadedConfig } from './load-config.ts';
import { clauseOf, findObjectFolders, objectBytesIn } from './object-folders.ts';
import { hasConflicts, locksOf } from './under-way.ts';
import { pathWithin } from './read-git-file.ts';
import { operationsUnderWay, readRepositoryState } from './read-state.ts';
import { indexSignature, readIndexPaths, trackedBelow } from './tracked-paths.ts';

/**
 * Opens the user's repository around a vault for reading. Opening reads nothing; every call looks at the disk afresh.
 * `home` is the person's home folder, `env` what git would take from the environment (`GIT_CONFIG_GLOBAL`,
 * `XDG_CONFIG_HOME`, ...).
 */
export function openGitRepository(vaultRoot: string, options: GitSurroundings): GitRepository {
  const readIndex = createIndexReader();
  const inspect = (): Inspected => inspectRepository(vaultRoot, options);
  const sources = (inspected: Inspected) =>
    findIgnoreSources(vaultRoot, { inspected, config: configOf(inspected), around: options });
  return {
    async ignoreSources() {
      return sources(inspect());
    },

    async trackedPaths() {
      const inspected = inspect();
      const position = positionInWorkTree(vaultRoot, inspected);
      if (inspected.kind !== 'found' || position === null || !inspected.repository.hasReadableIndex) return null;
      const { signature, paths } = readIndex(inspected.repository);
      if (typeof paths === 'string') return null;
      return { signature, load: () => trackedBelow(paths, position.prefix) };
    },

    async readState() {
      const inspected = inspect();
      const notices: Notice[] = doubtsAbout(inspected, {
        position: positionInWorkTree(vaultRoot, inspected),
        readIndex,
      });
      if (inspected.kind !== 'found' || !inspected.repository.isVaults) return { state: null, notices };
      const read = readRepositoryState(inspected.repository);
      return { state: read.state, notices: [...notices, ...read.notices] };
    },

    async captureHistory(capture) {
      const inspected = inspect();
      if (inspected.kind !== 'found' || !inspected.repository.isVaults) return null;
      return captureRepositoryHistory(inspected.repository, capture);
    },

    async historyBytes() {
      const inspected = inspect();
      if (inspected.kind !== 'found' || !inspected.repository.isVaults) return 0;
      const { repository } = inspected;
      return repository.unread === null ? objectBytesIn(findObjectFolders(repository.place.commonDir).folders) : 0;
    },

    async underWay() {
      const inspected = inspect();
      if (inspected.kind !== 'found') return { operations: [], locks: [] };
      const { repository } = inspected;
      const index = repository.hasReadableIndex ? readIndex(repository).paths : 'unknown';
      const operations = operationsUnderWay(repository.place.gitDir);
      if (typeof index !== 'string' && hasConflicts(index)) operations.push('conflict');
      return { operations, locks: locksOf(repository.place) };
    },

    async summary() {
      const inspected = inspect();
      if (inspected.kind !== 'found' || !inspected.repository.isVaults) return null;
      return summarize(inspected.repository);
    },

    async countWork({ tree, except }) {
      const inspected = inspect();
      return inspected.kind === 'found' ? countWork(inspected.repository, { tree, except, root: vaultRoot }) : null;
    },

    async isAncestor(older, newer) {
      const inspected = inspect();
      if (inspected.kind !== 'found') return null;
      const { commonDir } = inspected.repository.place;
      const left = await countCommits(commonDir, { from: [older], without: [newer], shallow: [] });
      return left === null ? null : left === 0;
    },

    async ignoresFolder(path) {
      const inspected = inspect();
      const position = positionInWorkTree(vaultRoot, inspected);
      if (inspected.kind !== 'found' || position === null) return true;
      const folder = path.replace(/\/+$/, '');
      const index = inspected.repository.hasReadableIndex ? readIndex(inspected.repository).paths : 'unknown';
      // What is tracked, git adds and commits whatever its rules say.
      if (typeof index !== 'string') {
        const tracked = trackedBelow(index, position.prefix);
        if (tracked.hasFolder(folder) || tracked.hasFile(folder)) return false;
      }
      if (ignoresAllWithin(pathWithin(vaultRoot, folder))) return true;
      return isFolderIgnoredByName(position.prefix + folder, { root: position.workTree, sources: sources(inspected) });
    },
  };
}

function configOf(inspected: Inspected): LoadedConfig {
  return inspected.kind === 'found' ? inspected.repository.config : inspected.config;
}

type IndexReader = (repository: Repository) => {
  readonly signature: string;
  /** The paths, or why they cannot be read. */
  readonly paths: IndexPaths | string;
};

/** Keeps the index last read, because one snapshot asks for it more than once. */
function createIndexReader(): IndexReader {
  let last: { readonly indexPath: string; readonly signature: string; readonly paths: IndexPaths | string } | null =
    null;
  return (repository) => {
    const indexPath = repository.place.gitDir;
    // Before the file is read: should git replace it in between, the next look sees another signature.
    const signature = indexSignature(repository);
    if (last?.indexPath === indexPath && last.signature === signature) return last;
    let paths: IndexPaths | string;
    try {
      paths = readIndexPaths(repository);
    } catch (error) {
      paths = clauseOf(error);
    }
    last = { indexPath, signature, paths };
    return last;
  };
}

/** What a person should know about a repository besides its state. */
function doubtsAbout(
  inspected: Inspected,
  { position, readIndex }: { position: WorkTreePosition | null; readIndex: IndexReader },
): Notice[] {
  const notices: Notice[] = configOf(inspected).doubts.map((doubt) => ({
    code: 'ignore_rule_doubtful',
    message: `Git's configuration was not read in full: ${doubt}`,
  }));
  if (inspected.kind === 'broken') {
    notices.push({ code: 'repository_unread', message: `The repository is left out: ${inspected.reason}` });
  }
  if (inspected.kind !== 'found') return notices;
  const { repository } = inspected;
  if (repository.isVaults && repository.workTree !== null && position === null) {
    const message = 'core.worktree names another folder: the index and info/exclude are not the vault\u2019s';
    notices.push({ code: 'repository_state', message });
  }
  const index = position !== null && repository.hasReadableIndex ? readIndex(repository).paths : null;
  if (typeof index === 'string') {
    const message = `Files that git tracks and also ignores count as ignored: ${index}`;
    notices.push({ code: 'repository_unread', message });
  }
  return notices;
}

async function summarize(repository: Repository): Promise<RepositorySummary | null> {
  const { state } = readRepositoryState(repository);
  const { config, place } = repository;
  if (state === null) return null;
  const upstream = findUpstream(config, state.branch);
  return {
    branch: state.branch,
    head: state.head,
    operations: operationsUnderWay(place.gitDir),
    unpushedCommits: await countUnpushed(place.commonDir, state),
    hasRemote: config.ownEntries.some(({ key }) => /^remote\..+\.url$/s.test(key)),
    upstream,
    ...(await distanceTo(upstream, state, place.commonDir)),
  };
}

/** How far a branch and its upstream, as last seen, have gone apart. */
async function distanceTo(
  upstream: Upstream | null,
  { head, refs, shallow }: GitState,
  commonDir: string,
): Promise<Pick<RepositorySummary, 'ahead' | 'behind'>> {
  const there = refs.find(({ name }) => name === upstream?.trackedBy)?.id;
  if (head === null || there === undefined) return { ahead: null, behind: null };
  return {
    ahead: await countCommits(commonDir, { from: [head], without: [there], shallow }),
    behind: await countCommits(commonDir, { from: [there], without: [head], shallow }),
  };
}
