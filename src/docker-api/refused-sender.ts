/** Effects: what a client sends whose request was refused before its end. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a refused client may go on sending before it is cut off. */
const LINGER_MS = 2_000;

/**
 * A client that is cut off while it still sends sees a broken pipe and never the answer (RFC 9112 §9.6): what it sends is read and thrown
 * away. A client that has sent everything in time keeps the connection; another is cut off then.
 */
export function endRefused(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req;
  const timer = setTimeout(() => {
    if (res.writableFinished) socket.destroySoon();
    else res.once('finish', () => socket.destroySoon());
  }, LINGER_MS);
  const forget = (): void => clearTimeout(timer);
  socket.once('close', forget);
  req.once('end', () => {
    forget();
    socket.off('close', forget);
  });
  req.resume();
}
