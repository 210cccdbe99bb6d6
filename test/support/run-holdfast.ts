/** Runs the program from its sources, as `bin/holdfast.js` does from what is built: started as a process of its own by tests. */
import { main } from '../../src/main.ts';

await main();
