/**
 * Effects: `pipe` for long answers. When reads come thick, each is let grow for a millisecond in the kernel: an Engine that writes each log line, or
 * each 16 KiB of a tar, by itself then costs one read and one write for many of them. A stream that trickles passes at once.
 */
import type { Duplex } from 'node:stream';

/** What one read takes at most (libuv): such a read left more behind. */
const FULL_BYTES = 65_536;
const WINDOW_MS = 4;
/** So many reads that were not full in a window are thick; */
const THICK_READS = 32;
/** and they stay so while a window brings this much. */
const THICK_BYTES = 32_768;
const GATHER_MS = 1;

/** What becomes of each read of `from`: it is written to `to`. */
export function bulkTo(from: Duplex, to: Duplex): (chunk: Buffer) => void {
  let isThick = false;
  let windowBeganMs = 0;
  let reads = 0;
  let bytes = 0;
  const resume = (): void => {
    if (!to.writableNeedDrain) from.resume();
  };
  const judge = (read: number): void => {
    if (read < FULL_BYTES) reads += 1;
    bytes += read;
    if (reads < THICK_READS && reads % 8 !== 0) return;
    const nowMs = performance.now();
    if (nowMs - windowBeganMs < WINDOW_MS) {
      if (reads >= THICK_READS) isThick = true;
      return;
    }
    if (isThick) isThick = bytes >= THICK_BYTES;
    windowBeganMs = nowMs;
    reads = 0;
    bytes = 0;
  };
  to.on('drain', resume);
  return (chunk) => {
    to.write(chunk);
    judge(chunk.length);
    if (!isThick || chunk.length >= FULL_BYTES || to.writableLength > 0) return;
    from.pause();
    setTimeout(resume, GATHER_MS);
  };
}
