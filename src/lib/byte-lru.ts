/** Keeps values up to a total size in bytes; the ones not asked for longest go first. */
export class ByteLru<Key, Value> {
  readonly #bytesMax: number;
  readonly #entries = new Map<Key, { readonly value: Value; readonly sizeBytes: number }>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // A Map remembers insertion order: putting it back makes it the youngest.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Adds a value under a key; one larger than half of everything is not kept, so that it cannot push all others out. */
  set(key: Key, value: Value, sizeBytes: number): void {
    this.delete(key);
    if (sizeBytes > this.#bytesMax / 2) return;
    this.#entries.set(key, { value, sizeBytes });
    this.#bytes += sizeBytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.delete(oldest);
    }
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#bytes -= entry.sizeBytes;
    this.#entries.delete(key);
  }
}
