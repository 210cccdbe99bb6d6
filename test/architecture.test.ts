import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

/** Which layers a layer may import. A layer is the first folder below src; adapters are one layer per folder. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  model: ['lib'],
  ports: ['model', 'lib'],
  format: ['model', 'ports', 'lib'],
  engine: ['model', 'ports', 'format', 'lib'],
  adapters: ['ports', 'model', 'format', 'lib'],
  app: ['engine', 'adapters', 'ports', 'model', 'format', 'lib'],
  tui: ['engine', 'ports', 'model', 'format', 'lib'],
  cli: ['app', 'tui', 'engine', 'ports', 'model', 'format', 'lib'],
  main: ['cli', 'app', 'lib'],
};

/** Where a package may be imported; vendor types never cross the folder. */
const homes: Readonly<Record<string, readonly string[]>> = {
  '@aws-sdk/client-s3': ['adapters/storage'],
  ignore: ['adapters/vault', 'adapters/git'],
  commander: ['cli'],
  '@clack/prompts': ['cli'],
  '@bomb.sh/tab': ['cli'],
  'chrono-node': ['cli'],
  diff: ['cli'],
  ndjson: ['cli'],
  valibot: ['app'],
  'jsonc-parser': ['app'],
  chokidar: ['adapters/watcher'],
  ink: ['tui'],
  react: ['tui'],
};

/** Built-ins the pure half may use: nothing that touches the world. */
const pureBuiltins: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  model: [],
  ports: [],
  engine: ['node:path/posix'],
  format: ['node:path/posix', 'node:crypto', 'node:zlib'],
};

/** Texts of programs that are stored and run elsewhere: their imports are not ours. */
const storedPrograms: readonly string[] = ['format/decryptor/decryptor-source.ts'];

const impurities = /\b(?:Date\.now\(|new Date\(\)|process\.|console\.|Math\.random\()/;

interface LockedPackage {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  /** Also what an optional peer (valibot names TypeScript) would bring; an installed copy does without. */
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .toSorted();

const linesMax = 300;

function codeOf(file: string): string {
  return readFileSync(join(src, file), 'utf8');
}

/** Import specifiers with whether they bring in types only. */
function importsOf(file: string): readonly { specifier: string; typeOnly: boolean }[] {
  const statements = codeOf(file).matchAll(
    /\b(import|export)\s+(type\s)?[^'"();]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm,
  );
  return [...statements].map((match) => ({
    specifier: (match[3] ?? match[4] ?? match[5])!,
    typeOnly: match[2] !== undefined,
  }));
}

function layerOf(file: string): string {
  return file.includes('/') ? file.split('/')[0]! : file.replace(/\.ts$/, '');
}

function targetOf(file: string, specifier: string): string {
  return relative(src, resolve(src, dirname(file), specifier));
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Every rule the file breaks, as sentences. */
function violations(file: string): readonly string[] {
  const layer = layerOf(file);
  const found: string[] = [];
  for (const { specifier, typeOnly } of importsOf(file)) {
    if (specifier.startsWith('.')) {
      const target = targetOf(file, specifier);
      const targetLayer = layerOf(target);
      if (targetLayer !== layer && !allowed[layer]?.includes(targetLayer))
        found.push(`${layer} may not import ${target}`);
      if (layer === 'adapters' && targetLayer === 'adapters') {
        const [from, to] = [file.split('/')[1], target.split('/')[1]];
        if (from !== to && to !== 'fs') found.push(`adapters/${from} may not import adapters/${to}`);
      }
      if (layer === 'app' && targetLayer === 'adapters' && !/\/(?:open|system|fs)[^/]*/.test(target)) {
        found.push(`${target} is not the door of its folder`);
      }
    } else if (specifier.startsWith('node:')) {
      const allowedBuiltins = pureBuiltins[layer];
      if (allowedBuiltins !== undefined && !allowedBuiltins.includes(specifier))
        found.push(`${layer} may not import ${specifier}`);
    } else {
      const home = homes[packageOf(specifier)];
      if (home === undefined) found.push(`${specifier} has no home`);
      else if (!home.some((folder) => file.startsWith(`${folder}/`)) && !typeOnly)
        found.push(`${specifier} does not live in ${dirname(file)}`);
    }
  }
  return found;
}

describe('the house', () => {
  test('finds the source', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(importsOf('engine/take-snapshot.ts').length).toBeGreaterThan(5);
  });

  test.each(files.filter((file) => !storedPrograms.includes(file)))('%s keeps the directions', (file) => {
    expect(violations(file)).toEqual([]);
  });

  const pureFiles = files.filter((file) => pureBuiltins[layerOf(file)] !== undefined && !storedPrograms.includes(file));

  test.each(pureFiles)('%s is pure', (file) => {
    const code = codeOf(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    expect(code.match(impurities)?.[0] ?? null).toBeNull();
  });

  test.each(files)('%s stays within its line budget', (file) => {
    expect(codeOf(file).split('\n').length).toBeLessThanOrEqual(linesMax);
  });

  test('fewer than sixty packages are installed with the program', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, LockedPackage>;
    };
    const atRunTime = Object.entries(lock.packages).filter(
      ([path, { dev, devOptional, optional }]) => path !== '' && !(dev ?? devOptional ?? optional ?? false),
    );
    expect(atRunTime.length).toBeGreaterThan(10);
    expect(atRunTime.length).toBeLessThan(60);
    expect(atRunTime.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
  });

  test('ARCHITECTURE.md names every folder', () => {
    const guide = readFileSync(join(src, 'ARCHITECTURE.md'), 'utf8');
    const folders = new Set(files.map((file) => dirname(file)).filter((folder) => folder !== '.'));
    expect([...folders].filter((folder) => !guide.includes(`\`${folder}/\``))).toEqual([]);
  });
});
