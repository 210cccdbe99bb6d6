import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// The terminal UI ships as one chunk with Ink and React inside: forty packages fewer to install, and it opens in half the time.
// Everything of ours outside dist/tui stays where it is, or there would be two of each module (and of each error class).
const dist = process.env.HOLDFAST_DIST ?? fileURLToPath(new URL('dist', import.meta.url));
const entry = resolve(dist, 'tui/start-tui.js');
const nothing = '\0nothing';

export default {
  input: entry,
  platform: 'node',
  external: (id, importer) => {
    if (!id.startsWith('.') || importer === undefined || !importer.startsWith(resolve(dist, 'tui'))) return false;
    return !resolve(dirname(importer), id).startsWith(resolve(dist, 'tui'));
  },
  transform: { define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' } },
  plugins: [
    {
      name: 'without-devtools',
      resolveId: (id) => (id === 'react-devtools-core' ? nothing : null),
      load: (id) => (id === nothing ? 'export default { connectToDevTools() {} };' : null),
    },
  ],
  output: { file: entry, format: 'esm', codeSplitting: false, minify: { compress: true, mangle: false } },
};
