import { registerHooks } from 'node:module';

/**
 * From here on, modules of the product (and the test doubles it is opened with) that import `node:fs` get the simulated one. What
 * was loaded before keeps the real one, so this is called first, in a process of its own.
 */
export function simulateFs(): void {
  const simulated = new URL('./memory-fs.ts', import.meta.url).href;
  const root = new URL('../../../', import.meta.url).href;
  const isSimulated = (parent: string | undefined): boolean =>
    parent?.startsWith(`${root}src/`) === true || parent?.startsWith(`${root}test/support/`) === true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'node:fs' && isSimulated(context.parentURL)) return { url: simulated, shortCircuit: true };
      return next(specifier, context);
    },
  });
}
