import { createHash } from 'node:crypto';
import { packCorrupt } from './corrupt.ts';
import type { ReadRange } from './entry-reader.ts';
import { packTrailerBytes } from './pack-entry.ts';

/**
 * Reads a pack once from front to back, keeping only what is being looked at, and computes both checksums of it on the
 * way: SHA-1 of all but the trailer, SHA-256 of everything.
 */
export class ByteWindow {
  /** The pack's bytes from `start` on, as far as they were read. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  readonly #sizeBytes: number;
  readonly #readRange: ReadRange;
  readonly #stepBytes: number;
  readonly #sha1 = createHash('sha1');
  readonly #sha256 = createHash('sha256');

  constructor(options: { readonly sizeBytes: number; readonly readRange: ReadRange; readonly stepBytes: number }) {
    this.#sizeBytes = options.sizeBytes;
    this.#readRange = options.readRange;
    this.#stepBytes = options.stepBytes;
  }

  /** Where the window ends in the pack. */
  get end(): number {
    return this.start + this.bytes.length;
  }

  get isAtEnd(): boolean {
    return this.end === this.#sizeBytes;
  }

  /** Lets go of everything before `offset`. */
  moveTo(offset: number): void {
    this.bytes = this.bytes.subarray(offset - this.start);
    this.start = offset;
  }

  /** Reads the next step; false at the end of the pack. */
  async extend(): Promise<boolean> {
    if (this.isAtEnd) return false;
    const end = this.end;
    const next = await this.#readRange(end, Math.min(this.#sizeBytes, end + this.#stepBytes));
    if (next.length === 0 || next.length > this.#sizeBytes - end) throw packCorrupt('A pack is cut short.');
    this.#sha1.update(next.subarray(0, Math.max(0, this.#sizeBytes - packTrailerBytes - end)));
    this.#sha256.update(next);
    this.bytes = this.bytes.length === 0 ? next : Buffer.concat([this.bytes, next]);
    return true;
  }

  /** Reads to the end; returns both checksums in hex, and the SHA-1 that the pack itself states. */
  async finish(): Promise<{ sha1: string; sha256: string; trailer: Buffer }> {
    for (;;) {
      this.moveTo(Math.max(this.start, this.end - packTrailerBytes));
      if (!(await this.extend())) break;
    }
    return {
      sha1: this.#sha1.digest('hex'),
      sha256: this.#sha256.digest('hex'),
      trailer: Buffer.from(this.bytes.subarray(-packTrailerBytes)),
    };
  }
}
