import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultSettings, parseSettings, readSettings } from '../../src/app/read-settings.ts';
import { settingsJsonSchema, settingsKeys } from '../../src/app/settings-json-schema.ts';
import { isHoldfastError, type HoldfastError } from '../../src/model/errors.ts';

function failure(text: string): HoldfastError {
  try {
    parseSettings(text, '/vault/holdfast.json');
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** What the work threw, or null. */
function attempt(work: () => void): unknown {
  try {
    work();
    return null;
  } catch (error) {
    return error;
  }
}

const wholeFile = `{
  // every key of the product's settings
  "$schema": "https://example.com/schema.json",
  "format": 1,
  "store": "s3://bucket/notes?region=eu-central-1",
  "replicas": ["file:///mnt/copy"],
  "vaultName": "notes", "machineName": "desk", "stateDir": "meta/state", "holdingDir": "back",
  "capture": { "gitignore": false, "history": false, "maxFileSize": "2GiB", "chunkAbove": "16MiB", "allowSecrets": true, "oneFileSystem": true },
  "watch": { "quiet": "2s", "maxWait": "30s", "rescan": "5m" },
  "guard": { "percent": 30, "deletions": 10, "window": "2m" },
  "retention": { "within": "7d", "hourly": 24, "daily": 30, "weekly": 12, "monthly": 12, "labelled": true },
  "schedule": { "verify": "daily", "prune": "off", "drill": "30d", "replicate": "hourly" },
  "targets": { "rto": "30m", "rpo": "5m" },
  "encryption": { "hideLabels": true },
  "git": { "autoPush": true, "warnUnpushed": false },
  "hooks": { "preSnapshot": [{ "run": ["pg_dump", "-f", "dump.sql"], "timeout": "2m" }] },
  "alerts": { "desktop": false, "webhook": "https://example.com/a", "heartbeat": "https://example.com/b", "command": ["mail"] },
  "live": true,
}`;

describe('holdfast.json', () => {
  test('may be empty: everything has a default', () => {
    expect(parseSettings('{}', 'x')).toEqual(defaultSettings());
    expect(defaultSettings()).toMatchObject({
      stateDir: 'state',
      holdingDir: '_restore',
      capture: { gitignore: true, history: true, chunkAbove: 8_388_608, allowSecrets: false },
      watch: { quiet: 5_000, maxWait: 60_000, rescan: 600_000 },
      guard: { percent: 20, deletions: 50, window: 60_000 },
      retention: { daily: 30, monthly: 12 },
    });
  });

  test('may hold every key, comments and trailing commas', () => {
    expect(parseSettings(wholeFile, 'x')).toMatchObject({
      capture: { maxFileSize: 2_147_483_648, chunkAbove: 16_777_216 },
      schedule: { verify: 'daily', drill: 2_592_000_000 },
      hooks: { preSnapshot: [{ run: ['pg_dump', '-f', 'dump.sql'], timeout: 120_000 }] },
      retention: { within: 604_800_000 },
    });
    expect(parseSettings('{ "retention": "all" }', 'x').retention).toBe('all');
  });

  test.each([
    ['{ "stroe": "s3://b" }', 'line 1: unknown key "stroe" (did you mean "store"?)'],
    [
      '{\n\n "capture": { "gitIgnore": true } }',
      'line 3: unknown key "capture.gitIgnore" (did you mean "capture.gitignore"?)',
    ],
    ['{ "retention": { "dayly": 3 } }', 'unknown key "retention.dayly" (did you mean "retention.daily"?)'],
    ['{ "hooks": { "preSnapshot": [{ "run": ["x"], "timout": "1s" }] } }', '"hooks.preSnapshot.timeout"'],
    ['{ "capture": [] }', '"capture" must be a group in braces'],
    ['{ "__proto__": {} }', 'unknown key "__proto__"'],
    ['{ "live": true, "live": false }', '"live" is written twice'],
    ['{ "watch": { "quiet": 5 } }', '"watch.quiet" must be a duration'],
    ['{ "watch": { "quiet": "5 parsecs" } }', '"watch.quiet" must be a duration'],
    ['{ "capture": { "chunkAbove": "big" } }', '"capture.chunkAbove" must be a size'],
    ['{ "capture": "all" }', '"capture" must be a group in braces'],
    ['{ "guard": { "percent": 0 } }', '"guard.percent" must be a whole number from 1 to 100'],
    ['{ "guard": { "percent": 2.5 } }', 'whole number'],
    ['{ "schedule": { "drill": "sometimes" } }', '"schedule.drill" must be "off"'],
    ['{ "alerts": { "webhook": "file:///etc/passwd" } }', '"alerts.webhook" must be an http(s) URL'],
    ['{ "hooks": { "preSnapshot": [{ "run": "rm -rf" }] } }', 'must be a list: the program'],
    ['{ "store": "" }', '"store" must not be empty'],
    ['[]', 'the file must be a group in braces'],
    ['', 'line 1'],
    ['{ "live": tru }', 'not valid JSON'],
    ['{ "live": true', 'not valid JSON'],
  ])('%s', (text, message) => {
    const error = failure(text);
    expect(error.code).toBe('config_invalid');
    expect(`${error.message}\n${error.hint}`).toContain(message);
    expect(error.message).toContain('/vault/holdfast.json');
  });

  test('names all mistakes at once, each with its line', () => {
    const error = failure('{\n "liev": true,\n "watch": { "quiet": 1 },\n "git": { "autoPush": "yes" }\n}');
    expect(error.message).toContain('has 3 mistakes');
    expect(error.hint).toContain('line 2: unknown key "liev"');
    expect(error.hint).toContain('line 3: "watch.quiet"');
    expect(error.hint).toContain('line 4: "git.autoPush"');
  });

  test('of a newer holdfast is refused, whatever else it holds', () => {
    const error = failure('{ "format": 2, "unheard": "of" }');
    expect([error.code, error.kind]).toEqual(['config_newer', 'config']);
    expect(error.hint).toContain('Update');
  });

  test.each([
    ['holdingDir', '.'],
    ['holdingDir', './'],
    ['holdingDir', '..'],
    ['holdingDir', '../outside'],
    ['holdingDir', 'a/../..'],
    ['holdingDir', '/abs'],
    ['holdingDir', '~/x'],
    ['holdingDir', 'C:\\x'],
    ['holdingDir', '.git'],
    ['holdingDir', '.GIT/x'],
    ['holdingDir', 'git~1'],
    ['holdingDir', 'sub/.git./x'],
    ['holdingDir', 'state'],
    ['holdingDir', 'state/back'],
    ['stateDir', '_restore'],
    ['stateDir', '_restore/state'],
    ['stateDir', '.git/holdfast'],
    ['stateDir', '/'],
  ])('%s is never %s', (key, folder) => {
    const error = failure(JSON.stringify({ [key]: folder }));
    expect(error.code).toBe('config_invalid');
    expect(error.message).toMatch(/"(?:stateDir|holdingDir)" must/);
  });

  test('that cannot be read is said so', () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-settings-'));
    try {
      const path = join(folder, 'holdfast.json');
      expect(() => readSettings(path)).toThrow(/cannot be read \(ENOENT\)/);
      writeFileSync(path, Uint8Array.of(0x7b, 0xff, 0x7d));
      expect(() => readSettings(path)).toThrow(/not valid UTF-8/);
      writeFileSync(path, Buffer.alloc(1_048_577, ' '));
      expect(() => readSettings(path)).toThrow(/over 1 MiB/);
      writeFileSync(path, '\ufeff{ "live": true }');
      expect(readSettings(path).live).toBe(true);
      rmSync(path);
      execFileSync('mkfifo', [path]);
      expect(() => readSettings(path)).toThrow(/it is not a file/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('any JSON at all is taken or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const outcome = attempt(() => parseSettings(text, 'x'));
        expect(outcome === null || isHoldfastError(outcome, 'config_invalid', 'config_newer')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the JSON Schema', () => {
  test('knows every key the file may hold', () => {
    const names = settingsKeys().map(({ name }) => name);
    const flatten = (value: unknown, prefix: string): string[] =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? [prefix]
        : Object.entries(value).flatMap(([key, inner]) => flatten(inner, prefix === '' ? key : `${prefix}.${key}`));
    const { hooks: _hooks, ...whole } = JSON.parse(
      wholeFile.replace(/\/\/ every.*/, '').replace(/,\n}$/, '}'),
    ) as Record<string, unknown>;
    expect(flatten(whole, '').filter((name) => !names.includes(name))).toEqual([]);
    expect(names).toContain('hooks.preSnapshot');
    for (const { means } of settingsKeys()) expect(means).toMatch(/^.+\.$/);
  });

  test('closes every group, and gives defaults as they are written', () => {
    const schema = settingsJsonSchema();
    expect(schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: {
        watch: { additionalProperties: false, properties: { quiet: { type: 'string', default: '5s' } } },
        guard: { properties: { percent: { type: 'integer', minimum: 1, maximum: 100, default: 20 } } },
        retention: { anyOf: [{ const: 'all' }, { type: 'object' }] },
      },
    });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });
});
