/** Effects: ends connections that a plain close would leave half open, and finds those whose peer is gone. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const PROBE_MS = 3_000;
const NOTHING = Buffer.alloc(0);

/**
 * After a peer's FIN Node no longer asks the kernel about the socket until it has something to write: a reset, or a keepalive without answer, stays
 * unseen, and both sockets of a splice to a silent container would be held for ever. An empty write sends nothing and is told of either.
 */
export function watchHalfOpen(socket: Duplex): void {
  const begin = (): void => {
    if (socket.destroyed) return;
    const timer = setInterval(() => {
      if (socket.writableEnded) clearInterval(timer);
      else if (socket.writableLength === 0) socket.write(NOTHING);
    }, PROBE_MS);
    socket.once('close', () => clearInterval(timer));
  };
  // a socket that nobody reads yet says its end all the same
  if (socket.readableEnded) begin();
  else socket.once('end', begin);
}

/**
 * Hangs up with a reset: the other side is to drop everything. While a FIN is on its way libuv refuses that and would keep the handle. A unix
 * socket has no reset; its close tells both ways at once.
 */
export function reset(socket: Socket): void {
  const isUnix = !socket.connecting && socket.remoteAddress === undefined;
  if (isUnix || (socket.writableEnded && !socket.writableFinished)) socket.destroy();
  else socket.resetAndDestroy();
}
