/** A byte stream as lines of UTF-8. Pure but for the stream that it reads. */
import { ArpanetError } from '../model/errors.ts';

const NEWLINE = 10;
/** The longest messages are an agent's snapshots. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** Bytes or texts as they come, or all of them. */
export type Chunks = AsyncIterable<unknown> | Iterable<unknown>;

/**
 * Each line of `chunks` without its end, and without blank ones; an unfinished last line is dropped, as its sender stopped in the middle of it. Each
 * byte is read once, however long the line. A stream with an encoding gives texts, which are taken as well; sockets of an `http.Server` refuse
 * one, so bytes are decoded here. Throws `too-large` for a line of more than `limitBytes` (64 MiB), before it is held in full.
 * Source: newline-delimited JSON, as `GET /events` of the Docker API and agents write it.
 */
export async function* lines(chunks: Chunks, limitBytes = LIMIT_BYTES): AsyncGenerator<string, void> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const given of chunks) {
    const chunk = given instanceof Uint8Array ? given : Buffer.from(String(given));
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      held += end - from;
      if (held > limitBytes) throw tooLong(limitBytes);
      const last = chunk.subarray(from, end);
      const line = (parts.length === 0 ? bufferOf(last) : Buffer.concat([...parts, last])).toString('utf8');
      parts = [];
      held = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    held += chunk.length - from;
    if (held > limitBytes) throw tooLong(limitBytes);
  }
}

/** The same bytes, not copied. */
const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length);

function tooLong(limitBytes: number): ArpanetError {
  return new ArpanetError('too-large', `a line of the stream is longer than ${limitBytes} bytes`);
}
