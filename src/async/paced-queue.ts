/**
 * Sends what a source gives that cannot wait (events): in order, no faster than the reader reads, and what waits is bounded.
 * Effects: writes to the stream that it is given.
 */
import type { Writable } from 'node:stream';
import { pacedWriter } from './paced-writer.ts';

export interface PacedQueue {
  /** Waits for its turn. Nothing happens once the queue has overflowed, or when nobody reads any more. */
  readonly push: (chunk: Buffer) => void;
  /** Bytes that wait, without what the stream itself holds. */
  readonly waitingBytes: () => number;
  /** Resolves when nothing waits any more. Never rejects. */
  readonly drained: () => Promise<void>;
}

/** `write`: a `pacedWriter` of `out`, for other writers to share. `overflow` is called once, when more than `limitBytes` would wait. */
export function pacedQueue(
  out: Writable,
  { limitBytes, overflow, write = pacedWriter(out) }: { limitBytes: number; overflow: () => void; write?: ReturnType<typeof pacedWriter> },
): PacedQueue {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let isOver = false;
  let sending: Promise<void> | undefined;

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      for (const chunk of batch) {
        if (!(await write(chunk))) isOver = true;
        bytes -= chunk.length;
      }
    }
    sending = undefined;
  }

  return {
    push(chunk) {
      if (isOver || out.destroyed) return;
      if (bytes + chunk.length > limitBytes) {
        isOver = true;
        overflow();
        return;
      }
      waiting.push(chunk);
      bytes += chunk.length;
      // It never rejects: a paced writer does not.
      sending ??= send();
    },
    waitingBytes: () => bytes,
    drained: async () => sending,
  };
}
