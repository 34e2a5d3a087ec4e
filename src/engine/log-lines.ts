/**
 * An Engine's log stream cut into lines, whatever the pieces it comes in, and in a bounded memory: one line at most waits for its end, and a
 * line that is too long goes on in the next. Pure but for its memory.
 */
export interface LogLine {
  /** 1: standard output, 2: standard error. */
  readonly stream: number;
  /** Without its end. */
  readonly line: Buffer;
}

/** In pieces of 16 KiB an Engine's own log drivers write a line: four of them. */
const LINE_LIMIT_BYTES = 64 * 1024;
const HEAD_BYTES = 8;

/**
 * `isTty`: there are no frames, all is standard output, and lines end as on a terminal. `limitBytes`: a longer line is cut there.
 * Source: Docker API v1.43, `POST /containers/{id}/attach`, "Stream format" (8 bytes before each frame); the same for `GET /containers/{id}/logs`.
 */
export class LogLines {
  readonly #isTty: boolean;
  readonly #limitBytes: number;
  /** Of the line that each stream has begun. */
  readonly #open = new Map<number, { pieces: Buffer[]; bytes: number }>();
  #head: Buffer = Buffer.alloc(0);
  /** Of the frame that is being read. */
  #stream = 1;
  #left = 0;

  constructor(isTty: boolean, limitBytes = LINE_LIMIT_BYTES) {
    this.#isTty = isTty;
    this.#limitBytes = limitBytes;
  }

  *push(chunk: Buffer): Generator<LogLine> {
    if (this.#isTty) {
      yield* this.#cut(1, chunk);
      return;
    }
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const missing = HEAD_BYTES - this.#head.length;
        this.#head = Buffer.concat([this.#head, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#head.length < HEAD_BYTES) return;
        this.#stream = this.#head[0] === 2 ? 2 : 1;
        this.#left = this.#head.readUInt32BE(4);
        this.#head = Buffer.alloc(0);
        continue;
      }
      const payload = rest.subarray(0, this.#left);
      this.#left -= payload.length;
      rest = rest.subarray(payload.length);
      yield* this.#cut(this.#stream, payload);
    }
  }

  /** All of an answer: as its chunks come, and what is left at its end. */
  async *of(chunks: AsyncIterable<unknown>): AsyncGenerator<LogLine> {
    for await (const chunk of chunks) yield* this.push(chunk as Buffer);
    yield* this.end();
  }

  /** What is left when the stream has ended. */
  *end(): Generator<LogLine> {
    for (const [stream, open] of this.#open) if (open.bytes > 0) yield this.#take(stream, open);
  }

  *#cut(stream: number, bytes: Buffer): Generator<LogLine> {
    const open = this.#open.get(stream) ?? { pieces: [], bytes: 0 };
    this.#open.set(stream, open);
    for (let from = 0; from < bytes.length; ) {
      const newline = bytes.indexOf(10, from);
      const end = Math.min(newline < 0 ? bytes.length : newline, from + this.#limitBytes - open.bytes);
      if (end > from) open.pieces.push(bytes.subarray(from, end));
      open.bytes += end - from;
      from = end;
      const isEnd = bytes[from] === 10;
      if (!isEnd && open.bytes < this.#limitBytes) break;
      if (isEnd) from++;
      yield this.#take(stream, open);
    }
  }

  #take(stream: number, open: { pieces: Buffer[]; bytes: number }): LogLine {
    const [first] = open.pieces;
    const line = open.pieces.length === 1 && first !== undefined ? first : Buffer.concat(open.pieces);
    open.pieces = [];
    open.bytes = 0;
    return { stream, line: this.#isTty && line.at(-1) === 13 ? line.subarray(0, -1) : line };
  }
}
