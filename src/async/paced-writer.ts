/** Writes no faster than the reader reads, and never keeps the event loop to itself. Effects: writes to the stream that it is given. */
import type { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

/** Between two turns of the event loop: some milliseconds of work. */
const TURN_BYTES = 256 * 1024;
/** What one write costs, however little it writes. */
const WRITE_BYTES = 256;

/**
 * A function that writes a chunk once the reader has room for it, also while others write through it: of each writer one chunk waits, and
 * no more. It resolves when the chunk is written; with false when nobody reads any more. It never rejects.
 */
export function pacedWriter(out: Writable): (chunk: Buffer | string) => Promise<boolean> {
  let room: Promise<void> | undefined;
  let sinceTurn = 0;

  const waitForRoom = (): Promise<void> =>
    (room ??= new Promise((resolve) => {
      const done = (): void => {
        out.off('drain', done);
        out.off('close', done);
        room = undefined;
        resolve();
      };
      out.once('drain', done);
      out.once('close', done);
    }));

  return async (chunk) => {
    while (out.writableNeedDrain && !out.destroyed) await waitForRoom();
    if (out.destroyed || out.writableEnded) return false;
    out.write(chunk);
    sinceTurn += chunk.length + WRITE_BYTES;
    if (sinceTurn > TURN_BYTES) {
      sinceTurn = 0;
      await turn();
    }
    return true;
  };
}
