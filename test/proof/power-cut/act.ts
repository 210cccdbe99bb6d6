/** Carries out one act in this process, which the rig traces: `node act.ts NAME FOLDER`. */
import { smallActs } from './small-acts.ts';

const [name, folder] = process.argv.slice(2);
await smallActs.find((one) => one.name === name)!.act(folder!);
