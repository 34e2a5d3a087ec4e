/**
 * The engine gateway with TLS: schedulers reach all of it by their certificates, other hosts the images alone, and nobody else anything. Effects: a server.
 */
import type { IncomingMessage, RequestListener, Server, ServerOptions } from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import { certificatesIn, certify, peerOf, requestPeer } from '../../security/index.ts';
import type { HostIdentity } from '../identity/host-identity.ts';

const TLS = { minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true, allowHalfOpen: true, handshakeTimeout: 5_000 } as const;

/** Before this host has a certificate no handshake ends well. */
export function secureServer(options: ServerOptions, identity: Pick<HostIdentity, 'onChange'>, heard: RequestListener): Server {
  let cas: ReturnType<typeof certificatesIn> = [];
  const server = https.createServer({ ...options, ...TLS }, heard);
  identity.onChange(({ certificate: cert, privateKey: key, bundle: ca }) => {
    cas = certificatesIn(ca);
    server.setSecureContext({ ...TLS, cert, key, ca });
  });
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const peer = peerOf(socket, cas);
    if (peer === undefined) socket.destroy();
    else certify(socket, peer);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/** What another host may ask for: what it needs to copy an image. */
const IMAGES: ReadonlySet<string | undefined> = new Set(['/image', '/layers']);

/** Why the holder of this request's certificate gets no answer; undefined: it gets one. */
export function gatewayRefusal(
  request: Pick<IncomingMessage, 'socket' | 'headers' | 'url' | 'method'>,
  { isRevoked }: Pick<HostIdentity, 'isRevoked'>,
): string | undefined {
  const peer = requestPeer(request);
  if (peer === undefined || peer.isExpired) return 'a certificate of the cluster is needed';
  if (isRevoked(peer.serial)) return `the certificate of ${peer.kind} ${peer.name} was revoked`;
  if (peer.kind === 'scheduler') return undefined;
  if (peer.kind === 'host' && request.method === 'POST' && IMAGES.has(request.url)) return undefined;
  return `the certificate of ${peer.kind} ${peer.name} is not good for ${request.url ?? ''} of this host`;
}
