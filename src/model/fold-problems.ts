import type { Problem } from './problem.ts';

/** More rows than this make a record nobody reads; folders then stand for what went wrong in them. */
const problemsMax = 5000;

/**
 * Keeps a list of problems to a size a record can hold. Up to 5,000 each path is named; beyond that, problems of one kind in
 * one folder become one row that names the folder (ending in '/') and says how many there were. Nothing is dropped.
 */
export function foldProblems(problems: readonly Problem[]): readonly Problem[] {
  let folded = problems;
  // Each round folds one level of folders, so a list of any size ends up small.
  while (folded.length > problemsMax) {
    const next = foldOnce(folded);
    if (next.length === folded.length) break;
    folded = next;
  }
  return folded;
}

function foldOnce(problems: readonly Problem[]): readonly Problem[] {
  const groups = Map.groupBy(problems, (problem) => `${parentOf(problem.path)}\0${problem.code}`);
  return [...groups.values()].map((group) => {
    const [first] = group as [Problem, ...Problem[]];
    if (group.length === 1) return first;
    const count = group.reduce((sum, problem) => sum + countOf(problem), 0);
    return { path: parentOf(first.path), code: first.code, message: `${count} entries: ${reasonOf(first)}` };
  });
}

function parentOf(path: string): string {
  const trimmed = path.endsWith('/') ? path.slice(0, -1) : path;
  return trimmed.includes('/') ? trimmed.slice(0, trimmed.lastIndexOf('/') + 1) : './';
}

const foldedMessage = /^(\d+) entries: ([\s\S]*)$/;

function countOf(problem: Problem): number {
  return Number(foldedMessage.exec(problem.message)?.[1] ?? 1);
}

function reasonOf(problem: Problem): string {
  return foldedMessage.exec(problem.message)?.[2] ?? problem.message;
}
