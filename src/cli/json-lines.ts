/** Writes one JSON object a line. */
export interface JsonLines {
  write(value: object): void;
  /** Resolves when every line has been handed on. */
  end(): Promise<void>;
}

// JSON allows these raw inside strings, a terminal would act on them; escaped they mean the same.
const unsafeInJson = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Opens the encoder; `handOn` gets whole lines, in order. */
export async function openJsonLines(handOn: (line: string) => void): Promise<JsonLines> {
  const { default: ndjson } = await import('ndjson');
  const encoder = ndjson.stringify();
  // The encoder ends lines the platform's way; ours end in "\n" everywhere.
  encoder.on('data', (chunk: string | Uint8Array) => handOn(escapeUnsafe(String(chunk).trimEnd()) + '\n'));
  return {
    write(value) {
      encoder.write(value);
    },
    async end() {
      await new Promise<void>((resolve, reject) => {
        encoder.once('end', resolve).once('error', reject);
        encoder.end();
      });
    },
  };
}

function escapeUnsafe(line: string): string {
  return line.replaceAll(unsafeInJson, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
