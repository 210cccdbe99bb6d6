import { createInflate } from 'node:zlib';
import { objectCorrupt } from './corrupt.ts';

export interface StreamedInflate {
  /** Compressed bytes taken from the pieces. */
  readonly consumedBytes: number;
}

/**
 * Inflates one stream from pieces without holding it, handing the output on as it comes. Asks for no further piece once
 * the stream has ended; what follows the stream in the last piece is left alone.
 * @throws {HoldfastError} `object_corrupt` when malformed, cut short, or not exactly `sizeBytes` long
 */
export async function inflateStreamed(
  nextPiece: () => Promise<Uint8Array | null>,
  options: { readonly sizeBytes: number; readonly onOutput: (bytes: Uint8Array) => void },
): Promise<StreamedInflate> {
  const inflate = createInflate();
  const ended = Promise.withResolvers<'ended'>();
  let outputBytes = 0;
  inflate.on('data', (bytes: Buffer) => {
    outputBytes += bytes.length;
    // Stopping here bounds the work: a small entry can unfold to a thousand times its size.
    if (outputBytes > options.sizeBytes) inflate.destroy(objectCorrupt('A pack entry is longer than it states.'));
    else options.onOutput(bytes);
  });
  inflate.on('end', () => ended.resolve('ended'));
  inflate.on('error', (error) => ended.reject(error));
  ended.promise.catch(() => {});
  try {
    let state: 'open' | 'ended' = 'open';
    while (state === 'open') {
      const piece = await nextPiece();
      if (piece === null) break;
      // Once zlib has seen the end of its stream it ends, and may never call back for the rest of a piece.
      const written = Promise.withResolvers<'open'>();
      inflate.write(piece, () => written.resolve('open'));
      state = await Promise.race([written.promise, ended.promise]);
    }
    if (state === 'open') inflate.end();
    await ended.promise;
  } catch (error) {
    throw objectCorrupt('A pack entry does not inflate.', error);
  } finally {
    inflate.destroy();
  }
  if (outputBytes !== options.sizeBytes) throw objectCorrupt('A pack entry is shorter than it states.');
  return { consumedBytes: inflate.bytesWritten };
}
