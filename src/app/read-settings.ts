import { readRegularFile } from '../adapters/fs/read-regular.ts';
import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import * as v from 'valibot';
import { nearestOf } from '../lib/nearest.ts';
import { HoldfastError } from '../model/errors.ts';
import { settingsFormat, settingsSchema, type Settings } from './settings-schema.ts';
import { checkFolders } from './vault-folders.ts';

/** Name of the settings file in the vault. */
export const settingsFileName = 'holdfast.json';

const sizeBytesMax = 1_048_576;
const problemsMax = 20;

interface SettingsProblem {
  /** 1-based line in the file. */
  readonly line: number;
  readonly message: string;
}

/** The settings of a vault without a file. */
export function defaultSettings(): Settings {
  return v.parse(settingsSchema, {});
}

/**
 * Reads `holdfast.json`: JSON with comments and trailing commas. Finds every mistake before it fails.
 * @throws {HoldfastError} `config_invalid` naming file, line and the nearest valid key; `config_newer`
 */
export function readSettings(path: string): Settings {
  return parseSettings(readText(path), path);
}

/** As `readSettings`, from text; `path` is for messages. */
export function parseSettings(text: string, path: string): Settings {
  const syntax: ParseError[] = [];
  const root = parseTree(text, syntax, { allowTrailingComma: true, disallowComments: false });
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  if (syntax.length > 0 || root === undefined) {
    const problems = syntax.map(({ error, offset }) => ({ line: lineOf(offset), message: syntaxMessage(error) }));
    throw invalidSettings(path, problems.length > 0 ? problems : [{ line: 1, message: 'the file is empty' }]);
  }
  const value: unknown = toValue(root);
  assertFormat(value, path);
  const problems: SettingsProblem[] = keyProblems(root, settingsSchema, '').map(({ node, message }) => ({
    line: lineOf(node.offset),
    message,
  }));
  const parsed = v.safeParse(settingsSchema, value);
  for (const issue of parsed.issues ?? []) {
    const keys = (issue.path ?? []).map((item) => item.key as string | number);
    const node = findNodeAtLocation(root, keys) ?? root;
    problems.push({ line: lineOf(node.offset), message: `${nameOf(keys)} ${issue.message}` });
  }
  if (parsed.success) {
    for (const { key, message } of checkFolders(parsed.output)) {
      const node = findNodeAtLocation(root, [key]) ?? root;
      problems.push({ line: lineOf(node.offset), message: `"${key}" ${message}` });
    }
    if (problems.length === 0) return parsed.output;
  }
  throw invalidSettings(path, problems);
}

function readText(path: string): string {
  let bytes: ReturnType<typeof readRegularFile>;
  try {
    bytes = readRegularFile(path, sizeBytesMax);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new HoldfastError('config_invalid', `The settings in ${JSON.stringify(path)} cannot be read (${code}).`, {
      hint: 'Make the file readable, or remove it to use the defaults.',
      cause: error,
    });
  }
  if (bytes === 'too_large') throw invalidSettings(path, [{ line: 1, message: 'the file is over 1 MiB' }]);
  if (bytes === 'not_regular') throw invalidSettings(path, [{ line: 1, message: 'it is not a file' }]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalidSettings(path, [{ line: 1, message: 'the file is not valid UTF-8' }]);
  }
}

/** A newer format may mean anything, so nothing else in the file is judged. */
function assertFormat(value: unknown, path: string): void {
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof format !== 'number' || !(format > settingsFormat)) return;
  throw new HoldfastError(
    'config_newer',
    `${JSON.stringify(path)} is written for a newer holdfast: its format is ${format}, this one reads ${settingsFormat}.`,
    {
      hint: 'Update holdfast on this machine; the file is left as it is.',
      data: { format, supported: settingsFormat },
    },
  );
}

interface KeyProblem {
  readonly node: Node;
  readonly message: string;
}

/** Unknown and repeated keys, which a validator of plain values cannot see. */
function keyProblems(node: Node, schema: unknown, prefix: string): KeyProblem[] {
  const problems: KeyProblem[] = [];
  const entries = entriesOf(schema);
  const item = itemOf(schema);
  if (node.type === 'array') {
    // To a validator an array is an object without these keys.
    if (entries !== null && item === null) {
      problems.push({
        node,
        message: `${prefix === '' ? 'the file' : `"${prefix.slice(0, -1)}"`} must be a group in braces`,
      });
    }
    for (const child of node.children ?? []) problems.push(...keyProblems(child, item, prefix));
  }
  if (node.type !== 'object' || entries === null) return problems;
  const seen = new Set<string>();
  for (const property of node.children ?? []) {
    const [keyNode, valueNode] = property.children ?? [];
    const key = String(keyNode?.value);
    const name = `"${prefix}${key}"`;
    if (seen.has(key)) problems.push({ node: property, message: `${name} is written twice` });
    seen.add(key);
    if (!Object.hasOwn(entries, key)) {
      problems.push({ node: property, message: `unknown key ${name}${suggestion(key, entries, prefix)}` });
    } else if (valueNode !== undefined) problems.push(...keyProblems(valueNode, entries[key], `${prefix}${key}.`));
  }
  return problems;
}

function suggestion(key: string, entries: Readonly<Record<string, unknown>>, prefix: string): string {
  const nearest = nearestOf(key, Object.keys(entries));
  return nearest === null ? '' : ` (did you mean "${prefix}${nearest}"?)`;
}

/** Schemas come wrapped (optional, described, one of several); these look through the wrapping. */
function entriesOf(schema: unknown): Readonly<Record<string, unknown>> | null {
  for (const inner of layersOf(schema)) if (isRecord(inner['entries'])) return inner['entries'];
  return null;
}

function itemOf(schema: unknown): unknown {
  for (const inner of layersOf(schema)) if ('item' in inner) return inner['item'];
  return null;
}

function* layersOf(schema: unknown): Iterable<Record<string, unknown>> {
  if (!isRecord(schema)) return;
  if (Array.isArray(schema['pipe'])) yield* layersOf(schema['pipe'][0] === schema ? null : schema['pipe'][0]);
  else if ('wrapped' in schema) yield* layersOf(schema['wrapped']);
  else if (Array.isArray(schema['options'])) for (const option of schema['options']) yield* layersOf(option);
  yield schema;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Plain values from the tree. Without a prototype, so that a key called `__proto__` is just an unknown key. */
function toValue(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(toValue);
  if (node.type !== 'object') return node.value as unknown;
  const result = Object.create(null) as Record<string, unknown>;
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key !== undefined && value !== undefined) result[String(key.value)] = toValue(value);
  }
  return result;
}

function nameOf(keys: readonly (string | number)[]): string {
  if (keys.length === 0) return 'the file';
  const name = keys.reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`),
    '',
  );
  return `"${name}"`;
}

function syntaxMessage(error: ParseError['error']): string {
  const words = printParseErrorCode(error).replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return `not valid JSON:${words}`;
}

function invalidSettings(path: string, problems: readonly SettingsProblem[]): HoldfastError {
  const ordered = [...problems].sort((a, b) => a.line - b.line).slice(0, problemsMax);
  const [only] = ordered;
  const data = { file: path, problems: ordered };
  const see = 'Every key is explained by: holdfast help settings';
  if (ordered.length === 1 && only !== undefined) {
    const message = `${JSON.stringify(path)}, line ${only.line}: ${only.message}.`;
    return new HoldfastError('config_invalid', message, { data, hint: see });
  }
  return new HoldfastError('config_invalid', `${JSON.stringify(path)} has ${problems.length} mistakes.`, {
    data,
    hint: [...ordered.map(({ line, message }) => `line ${line}: ${message}`), see].join('\n'),
  });
}
