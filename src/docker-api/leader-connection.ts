/** Effects: a connection of its own from a follower to the leader, with TLS where its URL says so; and why there is none. */
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, TLSSocket } from 'node:tls';
import { addressIn, dial, dialTls, handshakeFault } from '../engine/index.ts';

const DIAL_TIMEOUT_MS = 2_000;

/** What a new connection says when it can be written to. */
const openedBy = (socket: Duplex): 'secureConnect' | 'connect' => (socket instanceof TLSSocket ? 'secureConnect' : 'connect');

/** Calls `go` when it can be written to; ends it if that takes too long. */
export function onceOpen(socket: Duplex, go: () => void): void {
  const late = setTimeout(() => socket.destroy(new Error('the leader does not answer')), DIAL_TIMEOUT_MS);
  const opened = openedBy(socket);
  socket
    .once(opened, () => clearTimeout(late))
    .once(opened, go)
    .once('close', () => clearTimeout(late));
}

/** Connected; or why not, in words where there are some. */
export function connectToLeader(
  url: string,
  tls: ConnectionOptions | undefined,
): Promise<{ readonly upstream: Duplex } | { readonly fault: string | undefined }> {
  const { host, port, isTls } = addressIn(url);
  if (isTls && tls === undefined) return Promise.resolve({ fault: noCertificate(url) });
  const socket = tls === undefined || !isTls ? dial(host, port) : dialTls(host, port, tls);
  return new Promise((resolve) => {
    onceOpen(socket, () => resolve({ upstream: socket }));
    socket.once('error', (error) => resolve({ fault: connectFault(url, error) }));
    socket.once('close', () => resolve({ fault: undefined }));
  });
}

/** Why there is no TLS with the leader; undefined: that is not what was wrong. */
export function connectFault(url: string, error: unknown): string | undefined {
  const fault = handshakeFault(error);
  return fault && unreached(url, fault);
}

const unreached = (url: string, why: string): string => `the leader at ${url} cannot be reached: ${why}`;

export const noCertificate = (url: string): string =>
  unreached(
    url,
    "this scheduler has no certificate of the cluster's CA, which is in the store, sealed: give it --cluster-key as the leader has it",
  );
