/** JSON lines: chunks in, whole lines out. Pure. */
import { ArpanetError } from '../../model/index.ts';

const NEWLINE = 10;

/**
 * Yields each line of `chunks` without its newline. A line longer than `limitBytes` throws `too-large` before it is held in full;
 * an unfinished last line is dropped, as its sender died in the middle of it.
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<string, void, undefined> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const last = chunk.subarray(from, end);
      if (held + last.length > limitBytes) throw tooLong(limitBytes);
      const line = parts.length === 0 ? Buffer.from(last) : Buffer.concat([...parts, last]);
      parts = [];
      held = 0;
      from = end + 1;
      if (line.length > 0) yield line.toString('utf8');
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from));
      held += chunk.length - from;
      if (held > limitBytes) throw tooLong(limitBytes);
    }
  }
}

function tooLong(limitBytes: number): ArpanetError {
  return new ArpanetError('too-large', `a line of the stream is longer than ${limitBytes} bytes`);
}
