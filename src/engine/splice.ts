/** Effects: joins two sockets, byte for byte; half-close is passed on. */
import type { Socket } from 'node:net';
import { reset, watchHalfOpen } from './half-open.ts';

/** After the upstream side has ended, the client has this long to end too. */
const LINGER_MS = 60_000;

/**
 * One side's end becomes the other's. If the upstream breaks without an end, the client is reset: half an answer must not look like a whole one.
 * What is already sent to a working side still arrives. Sockets with a reused buffer (reused-read-buffer.ts) pass on their data themselves.
 */
export function splice(client: Socket, upstream: Socket): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    if (from.listenerCount('data') > 0) from.once('end', () => to.end());
    else from.pipe(to);
    to.on('drain', () => from.resume());
    from.resume();
  }
  watchHalfOpen(client);
  upstream.once('end', () => client.setTimeout(LINGER_MS, () => client.destroy()));
  upstream.on('error', () => reset(client));
  client.on('error', () => client.destroy());
  upstream.once('close', () => {
    if (!upstream.readableEnded) reset(client);
  });
  client.once('close', () => {
    // what the client had sent whole still arrives
    if (client.readableEnded) upstream.destroySoon();
    else upstream.destroy();
  });
}
