/**
 * Effects: reads a socket into one buffer that is used again and again, larger while there is much. node:net's own way is a fresh buffer of 64 KiB for
 * each read, so many of them that V8 marks its heap several times in each copy: 200 MB passed on cost 500 ms of CPU, and 170 ms this way.
 */
import { type OnReadOpts, Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';

/** Bytes a socket buffers before it pushes back. Less than a large read: while one is not written whole, no other is begun. */
export const HIGH_WATER_MARK_BYTES = 64 * 1024;
const SMALL_BYTES = 16 * 1024;
const LARGE_BYTES = 256 * 1024;
const HANDLE = '_handle';

/** Writes what was read to where it goes, or copies it: the bytes are another read's afterwards. */
export type Take = (chunk: Buffer) => void;

/**
 * node:net's `onread` for a socket that is yet to be dialled. `take` writes to `to`. Nothing is read while that has no room: its `drain`, and nothing
 * else, may resume the socket then, for it is still to send what is in the buffer.
 */
export function reusedBufferReader(to: () => Writable, take: Take = (chunk) => void to().write(chunk)): OnReadOpts {
  let buffer = Buffer.allocUnsafe(SMALL_BYTES);
  return {
    buffer: () => buffer,
    callback(bytes) {
      take(buffer.subarray(0, bytes));
      const isWritten = to().writableLength === 0;
      const waits = !isWritten && to().writableNeedDrain;
      const isMore = bytes === buffer.length && bytes < LARGE_BYTES;
      if (!isWritten && !waits) buffer = Buffer.allocUnsafe(buffer.length);
      else if (isMore && isWritten) buffer = Buffer.allocUnsafe(LARGE_BYTES);
      return !waits;
    },
  };
}

/**
 * The same for a connection that is there: gives the socket that stands in the given one's place, paused, which says `end` but no `data`. node:net has
 * `onread` only for who dials, so this moves the handle, which is not documented: where there is none, or something was read already, it is done
 * the usual way.
 */
export function reuseReadBuffer<Source extends Duplex>(
  from: Source,
  to: () => Writable,
  take: Take = (chunk) => void to().write(chunk),
): Source {
  const handle = Reflect.get(from, HANDLE) as { readonly useUserBuffer?: unknown } | null | undefined;
  if (!(from instanceof Socket) || typeof handle?.useUserBuffer !== 'function' || from.readableLength > 0 || from.readableEnded) {
    from.on('data', (chunk: Buffer) => {
      take(chunk);
      if (to().writableNeedDrain) from.pause();
    });
    return from.pause();
  }
  Reflect.set(from, HANDLE, null);
  from.destroy();
  const onread = reusedBufferReader(to, take);
  return new Socket({
    handle,
    onread,
    allowHalfOpen: true,
    pauseOnCreate: true,
    highWaterMark: from.writableHighWaterMark,
  } as object) as Socket & Source;
}
