/** Effects: joins two sockets, byte for byte, with half-close kept. */
import type { Socket } from 'node:net';
import { reset, watchHalfOpen } from './half-open.ts';

/** A side that has said all it will say leaves its client this long to hang up too. */
const LINGER_MS = 60_000;

/**
 * One side's end becomes the other's. A side that dies without an end resets the client: half an answer must not look like a whole one.
 * What is on its way to a living side still arrives. What sockets say that are read into a buffer (reused-read-buffer.ts) is passed on by that.
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
    // what it had said whole still arrives
    if (client.readableEnded) upstream.destroySoon();
    else upstream.destroy();
  });
}
