/** Which client a request is of: the connection that it came by, at whichever scheduler. Effects: an id is drawn for a connection that is asked for. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** A follower names its client's connection in it; its own to the leader carries the requests of many. */
export const CONNECTION_HEADER = 'Arpanet-Connection';

/** A follower says in it from which address its client came. */
export const FROM_HEADER = 'Arpanet-From';

/** It came by a Unix socket. */
export const UNIX = 'unix';

/** The header as a follower sends it; what its client says of that itself is left out. */
export const fromHeader = ({ socket }: Pick<IncomingMessage, 'socket'>): Readonly<Record<string, string>> => ({
  [FROM_HEADER]: socket.remoteAddress ?? UNIX,
});

/** Where the client is: an address, or `unix`; as the follower says that passed it on. */
export function fromOf({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const said = headers['arpanet-forwarded'] === undefined ? undefined : headers[FROM_HEADER.toLowerCase()];
  return typeof said === 'string' ? said : (socket.remoteAddress ?? UNIX);
}

const ids = new WeakMap<Duplex, string>();

/** The same for all requests of one connection. */
export function connectionOf({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const named = headers[CONNECTION_HEADER.toLowerCase()];
  if (headers['arpanet-forwarded'] !== undefined && typeof named === 'string') return named;
  const known = ids.get(socket);
  if (known !== undefined) return known;
  const id = randomUUID();
  ids.set(socket, id);
  return id;
}
