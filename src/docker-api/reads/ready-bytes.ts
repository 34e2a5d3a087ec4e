/**
 * Ready answers: bytes that hold until the cluster view changes, a text in them does, or they are pushed out by younger ones.
 * Holds at most `maxBytes`, over all.
 */
export interface Ready {
  readonly body: Buffer;
  readonly version: number;
  /** Unix time in milliseconds. */
  readonly untilMs: number;
  /** The container that the answer is about, if it is about one. */
  readonly container: string | undefined;
  /** Where in the body the time of the answer is, as `toISOString` writes it: it is overwritten whenever the bytes are sent. */
  readonly timeAt?: number | undefined;
}

export class ReadyBytes {
  readonly #entries = new Map<string, Ready>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string, version: number, nowMs: number): Ready | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.version !== version || nowMs >= entry.untilMs) return undefined;
    if (entry.timeAt !== undefined) entry.body.write(new Date(nowMs).toISOString(), entry.timeAt, 'latin1');
    return entry;
  }

  put(key: string, entry: Ready): void {
    this.#drop(key);
    this.#entries.set(key, entry);
    this.#bytes += entry.body.length + key.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.body.length + key.length;
  }
}
