import { onTestFinished } from 'vitest';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Another program that has a SQLite database open, as a notes app would. */
export interface SqliteWriter {
  /** Runs SQL there; resolves when it is done. */
  run(sql: string): Promise<void>;
  /** Ends it as a crash would: its logs stay. */
  crash(): Promise<void>;
}

const program = `
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
const db = new DatabaseSync(process.argv[1]);
for await (const line of createInterface({ input: process.stdin })) {
  try { db.exec(JSON.parse(line)); console.log('done'); } catch (error) { console.log('error ' + error.message); }
}
`;

export function startSqliteWriter(path: string): SqliteWriter {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    async run(sql) {
      child.stdin!.write(`${JSON.stringify(sql)}\n`);
      const { value } = await lines.next();
      if (value !== 'done') throw new Error(`the writer says: ${String(value)}`);
    },
    async crash() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
