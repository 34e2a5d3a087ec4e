/**
 * Effects: reads a socket into one buffer that is reused, and that grows while much arrives. node:net allocates 64 KiB for each read, so much that
 * V8 collects several times in each copy: passing on 200 MB took 500 ms of CPU, and takes 170 ms this way (measured on Node 20).
 */
import { type OnReadOpts, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Duplex, Writable } from 'node:stream';

/** Bytes that a socket buffers before it holds back its source. Less than a large read: while one is not written whole, no other begins. */
export const HIGH_WATER_MARK_BYTES = 64 * 1024;
const SMALL_BYTES = 16 * 1024;
const LARGE_BYTES = 256 * 1024;
const HANDLE = '_handle';
/** Emitted by a socket whose connection another socket has from now on, with that one: who ends connections ends that one then. */
export const MOVED = 'moved';

/** Writes or copies the bytes read; afterwards the buffer is used for the next read. */
export type Take = (chunk: Buffer) => unknown;

/**
 * node:net's `onread` for a socket that is about to be dialled. `take` writes to `to`. While `to` is full nothing is read; only its `drain` may
 * resume the socket then, because the buffer is still being sent.
 */
export function reusedBufferReader(to: () => Writable, take: Take = (chunk) => to().write(chunk)): OnReadOpts {
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
 * The same for an accepted connection: returns the socket to use instead of `from`, paused; it emits `end` but no `data`. node:net offers `onread`
 * only for dialled sockets, so this moves the undocumented handle to a new socket. With TLS, without a handle, or if something was read already, `data`
 * events are used instead, which is slower and does the same.
 */
export function reuseReadBuffer<Source extends Duplex>(
  from: Source,
  to: () => Writable,
  take: Take = (chunk) => to().write(chunk),
): Source {
  const handle = Reflect.get(from, HANDLE) as { readonly useUserBuffer?: unknown } | null | undefined;
  const isPlain = from instanceof Socket && !(from instanceof TLSSocket);
  if (!isPlain || typeof handle?.useUserBuffer !== 'function' || from.readableLength > 0 || from.readableEnded) {
    from.on('data', (chunk: Buffer) => {
      take(chunk);
      if (to().writableNeedDrain) from.pause();
    });
    return from.pause();
  }
  Reflect.set(from, HANDLE, null);
  from.destroy();
  const onread = reusedBufferReader(to, take);
  const moved = new Socket({
    handle,
    onread,
    allowHalfOpen: true,
    pauseOnCreate: true,
    highWaterMark: from.writableHighWaterMark,
  } as object) as Socket & Source;
  from.emit(MOVED, moved);
  return moved;
}
