import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createPeerBucket, type S3Peer, s3PeerFromEnvironment } from '../../support/s3-server/peer.ts';
import { startS3Server } from '../../support/s3-server/start-s3-server.ts';

/** An S3 server with an empty bucket that keeps versions. */
export interface RealServer extends AsyncDisposable, S3Peer {
  /** For the page. */
  readonly name: string;
  readonly bucket: string;
}

/**
 * Starts MinIO, so that faults are played against a server that is not ours: the one named in the environment, the one
 * `.ci/s3-peer` has built, or one on the PATH. The server of our tests where there is none.
 */
export async function startRealServer(folder: string): Promise<RealServer> {
  const named = s3PeerFromEnvironment();
  if (named !== null) {
    const bucket = await createPeerBucket(named);
    return { ...named, name: `the S3 server at ${named.endpoint}`, bucket, async [Symbol.asyncDispose]() {} };
  }
  const binary = findMinio();
  return binary === null ? ownServer() : startMinio(binary, folder);
}

async function ownServer(): Promise<RealServer> {
  const server = await startS3Server();
  const { endpoint, credentials, bucket } = server;
  bucket.versioning = 'Enabled';
  return {
    name: 'the S3 server of our own tests: no MinIO was found (.ci/s3-peer builds one)',
    endpoint,
    credentials,
    bucket: bucket.name,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startMinio(binary: string, folder: string): Promise<RealServer> {
  const credentials = { accessKeyId: 'holdfast-proof', secretAccessKey: 'only-for-this-run' };
  const [port, consolePort] = await Promise.all([freePort(), freePort()]);
  const endpoint = `http://127.0.0.1:${port}`;
  const words = [
    'server',
    '--quiet',
    '--address',
    `127.0.0.1:${port}`,
    '--console-address',
    `127.0.0.1:${consolePort}`,
  ];
  const child = spawn(binary, [...words, join(folder, 'minio')], {
    stdio: 'ignore',
    env: {
      HOME: folder,
      MINIO_ROOT_USER: credentials.accessKeyId,
      MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
      MINIO_UPDATE: 'off',
    },
  });
  const stop = (): void => void child.kill('SIGKILL');
  process.once('exit', stop);
  await untilReady(endpoint, child);
  const bucket = await createPeerBucket({ endpoint, credentials });
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
  return {
    name: version.replace(/^minio version /, 'MinIO ').replace(/ \(commit.*/, ''),
    endpoint,
    credentials,
    bucket,
    async [Symbol.asyncDispose]() {
      process.off('exit', stop);
      await new Promise((done) => {
        child.once('exit', done);
        stop();
      });
    },
  };
}

async function untilReady(endpoint: string, child: { readonly exitCode: number | null }): Promise<void> {
  for (let attempt = 0; attempt < 150 && child.exitCode === null; attempt++) {
    const answer = await fetch(`${endpoint}/minio/health/ready`).catch(() => null);
    if (answer?.ok === true) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('MinIO did not start');
}

function findMinio(): string | null {
  const cache = process.env['HOLDFAST_CI_CACHE'] ?? join(homedir(), '.cache', 'holdfast-ci');
  const built = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('minio-')) : [];
  const folders = [...built.map((name) => join(cache, name)), ...(process.env['PATH'] ?? '').split(':')];
  return folders.map((path) => join(path, 'minio')).find((path) => existsSync(path)) ?? null;
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
