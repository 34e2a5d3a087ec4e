/** Effects: closes connections that would otherwise stay half open, and detects those whose peer is dead. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

const PROBE_MS = 3_000;
const NOTHING = Buffer.alloc(0);

/**
 * After a peer's FIN, Node asks the kernel about the socket only when it has something to write: a reset or an unanswered keepalive stays
 * unnoticed, and both sockets of a splice to a silent container would stay open for ever. An empty write sends nothing and reports either.
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
  // a socket that nobody reads yet emits its end all the same
  if (socket.readableEnded) begin();
  else socket.once('end', begin);
}

/**
 * Closes with a TCP reset, so that the other side drops everything. While a FIN is being sent libuv refuses a reset and would keep the handle. A
 * unix socket has no reset; closing it ends both directions at once. With TLS it is the TCP connection below that is reset: Node refuses it of the socket above.
 */
export function reset(socket: Socket): void {
  const below: unknown = socket instanceof TLSSocket ? Reflect.get(socket, '_parent') : undefined;
  if (below instanceof Socket && !below.destroyed) reset(below);
  const isUnix = !socket.connecting && socket.remoteAddress === undefined;
  if (socket instanceof TLSSocket || isUnix || (socket.writableEnded && !socket.writableFinished)) socket.destroy();
  else socket.resetAndDestroy();
}
