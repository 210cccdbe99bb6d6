import { defaultExclude, defineConfig } from 'vitest/config';

const hasS3Peer = process.env['HOLDFAST_TEST_S3_ENDPOINT'] !== undefined;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Against a server that is not ours; .ci/s3-peer brings one.
    exclude: [...defaultExclude, ...(hasS3Peer ? [] : ['test/adapters/storage/s3-peer.test.ts'])],
    // Every test runs against real files and real sockets; two at a time is what a small machine can take.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
