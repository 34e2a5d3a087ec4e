/**
 * Processes of the cluster know each other by certificates of its CA (TLS 1.3, RFC 8446): a host by its name, a scheduler by being one. Effects: none but node:tls's
 * own: contexts are kept with the credentials that they are made of.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import tls, { type ConnectionOptions, type SecureContext, TLSSocket } from 'node:tls';
import { type CertifiedIdentity, identityIn, signedBy } from './ca-identity.ts';
import type { X509Certificate } from 'node:crypto';

/** A process's own certificate and key, and the CAs that it trusts, in PEM form. */
export interface Credentials {
  readonly certificate: string;
  readonly privateKey: string;
  readonly bundle: string;
}

/** What every scheduler's certificate says of it, whatever its addresses are. Agents ask for it (SNI), and get the cluster's certificate and no other. */
export const SCHEDULER_NAME = 'scheduler.arpanet.internal';
/** The same of a host. */
export const hostServerName = (host: string): string => `${host}.host.arpanet.internal`;
/** Until a process has a certificate it may ask this much (SNI), and no more. */
export const JOIN_NAME = 'join.arpanet.internal';

const contexts = new WeakMap<Credentials, SecureContext>();

/** One for each certificate. */
export function contextOf(credentials: Credentials): SecureContext {
  const had = contexts.get(credentials);
  if (had !== undefined) return had;
  const { certificate: cert, privateKey: key, bundle: ca } = credentials;
  const made = tls.createSecureContext({ cert, key, ca, minVersion: 'TLSv1.3' });
  contexts.set(credentials, made);
  return made;
}

/** For a connection to who has this name. The other end must have a certificate of the cluster's CA for it, and none that `isRevoked` by its serial number. */
export const dialOptions = (credentials: Credentials, servername: string, isRevoked?: (serial: string) => boolean): ConnectionOptions => ({
  secureContext: contextOf(credentials),
  servername,
  minVersion: 'TLSv1.3',
  rejectUnauthorized: true,
  ...(isRevoked && {
    checkServerIdentity: (name, shown) =>
      tls.checkServerIdentity(name, shown) ??
      (isRevoked(shown.serialNumber) ? new Error(`the certificate of ${name} was revoked`) : undefined),
  }),
});

/** For a connection to another scheduler, which must be one by its certificate; undefined: this process has none to show. */
export const toSchedulers = (credentials: Credentials | undefined): ConnectionOptions | undefined =>
  credentials && dialOptions(credentials, SCHEDULER_NAME);

/** The holder of a certificate that was shown. `isExpired`: nothing but a renewal is open to it. */
export interface Peer extends Pick<CertifiedIdentity, 'kind' | 'name' | 'serial'> {
  readonly isExpired: boolean;
}

/**
 * The holder of the certificate that the other end of a connection has shown; TLS has proven that it has the key. Undefined: none, or none of these CAs. What TLS says of a resumed
 * session is not enough (nodejs/node#35317): there must be a certificate.
 */
export function peerOf(socket: TLSSocket, cas: readonly X509Certificate[]): Peer | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const why = String(socket.authorizationError);
  const isExpired = !socket.authorized && why === 'CERT_HAS_EXPIRED';
  if (!socket.authorized && !isExpired) return undefined;
  // during a rotation, who does not know of it yet trusts the new CA by what the one before says of it; TLS has judged the whole of it
  const between = certificate.issuerCertificate;
  const isOurs = signedBy(certificate, cas) || (between !== undefined && signedBy(certificate, [between]) && signedBy(between, cas));
  const identity = isOurs ? identityIn(certificate) : undefined;
  return identity && { kind: identity.kind, name: identity.name, serial: identity.serial, isExpired };
}

const peers = new WeakMap<Duplex, Peer>();

/** Kept with the connection. */
export function certify(socket: Duplex, peer: Peer): void {
  peers.set(socket, peer);
}

/** Of requests that a scheduler has passed on: whose they are. */
const vouched = new WeakMap<object, { readonly peer: Peer | undefined }>();

/** A scheduler says whose certificate came with a request that it passes on; undefined: none. */
export function vouch(request: object, peer: Peer | undefined): void {
  vouched.set(request, { peer });
}

/** The sender of a request, as its connection's certificate says, or the scheduler that passes it on. Undefined: no certificate of the cluster. */
export function requestPeer(request: Pick<IncomingMessage, 'socket'>): Peer | undefined {
  const said = vouched.get(request);
  return said === undefined ? peers.get(request.socket) : said.peer;
}

/** The other end of the connection is a scheduler of this cluster. */
export function isFromScheduler({ socket }: Pick<IncomingMessage, 'socket'>): boolean {
  const peer = peers.get(socket);
  return peer?.kind === 'scheduler' && !peer.isExpired;
}

/** The other end has shown no certificate, and asks for nothing that a process of the cluster does: a browser, or a client that lacks its files. */
export function isNameless(socket: Duplex): boolean {
  const known = nameless.get(socket);
  if (known !== undefined) return known;
  const found = socket instanceof TLSSocket && socket.getPeerX509Certificate() === undefined && !CLUSTER_NAMES.has(nameAsked(socket));
  nameless.set(socket, found);
  return found;
}

/** Looked at once for each connection, after its handshake. */
const nameless = new WeakMap<Duplex, boolean>();

/** Names that only processes of the cluster ask for (SNI). */
const CLUSTER_NAMES: ReadonlySet<unknown> = new Set([SCHEDULER_NAME, JOIN_NAME]);
/** The other end asks for what only processes of the cluster ask for. */
export const asksAsMember = (socket: TLSSocket): boolean => CLUSTER_NAMES.has(nameAsked(socket));

/** Node's types do not have it on a server's side. */
const nameAsked = (socket: TLSSocket): unknown => Reflect.get(socket, 'servername');

/** What may be asked without a certificate, or with one that has expired: how to get one, and the program that asks for it. */
const OPEN: ReadonlySet<string> = new Set([
  '/arpanet/v1/join',
  '/arpanet/v1/ca',
  '/arpanet/v1/join.sh',
  '/arpanet/v1/join/check',
  '/arpanet/v1/join/paths',
  '/arpanet/v1/package',
]);
const STREAM = '/arpanet/v1/agent';

/** A request for a certificate, or for what it needs: the sender is known by what it shows there. */
export const isJoining = (path: string): boolean => OPEN.has(path);

/** Why this peer may not ask this of a scheduler; undefined: it may. Only that: what a user may do is asked elsewhere. */
export function refusePeer(peer: Peer | undefined, url: string): string | undefined {
  const path = url.split('?', 1)[0] ?? '';
  if (OPEN.has(path)) return undefined;
  if (peer === undefined) return 'a certificate of the cluster is needed: none was shown, or one of another CA';
  if (peer.isExpired) return `the certificate of ${peer.name} has expired`;
  if (peer.kind === 'host' && path !== STREAM) return `the certificate of host ${peer.name} opens its agent's stream, and not ${path}`;
  return undefined;
}
