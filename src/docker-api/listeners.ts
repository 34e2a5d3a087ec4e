/** Effects: the sockets that the endpoint listens on, and the answers to bytes that are no request. */
import { constants } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import { HIGH_WATER_MARK_BYTES } from '../engine/index.ts';
import { ArpanetError } from '../model/index.ts';
import {
  certificatesIn,
  asksAsMember,
  certify,
  contextOf,
  type Credentials,
  isNameless,
  JOIN_NAME,
  type ListenAddress,
  type Peer,
  peerOf,
  refuseNameless,
  refusePeer,
  requestPeer,
  SCHEDULER_NAME,
  type TlsIdentity,
} from '../security/index.ts';
import { errorBody, errorHeaders, answerTo } from './errors.ts';
import { createGate, type Gate, LATE_BODY, mostConnections, STALLED_UPLOAD, tooSlow } from './limits/connections.ts';
import type { ClientLimits } from './limits/shares.ts';
import { refusals } from './request-metrics.ts';
import { routeOf } from './routes.ts';
import { refuseSocket } from './proxy/hijack.ts';
import { stoppingAt } from './proxy/uploads.ts';
import { formatHostPort } from '../text/host-port.ts';
import { splitVersion } from '../text/api-version.ts';

/** One of the addresses. */
export interface Door {
  readonly server: http.Server;
  /** A Unix socket: no browser reaches it, and clients put anything into `Host`. */
  readonly isSocket: boolean;
  /** Its clients have shown a certificate. */
  readonly isTls: boolean;
}

/** TCP without TLS where nothing says so. */
export type ListenOn = ListenAddress | { readonly host: string; readonly port: number };

/** What is called for what comes in. */
export interface Hearers {
  readonly request: (req: IncomingMessage, res: ServerResponse, door: Door) => void;
  readonly upgrade: (door: Door, req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** True for a request whose body is an upload. */
  readonly isUpload: (req: IncomingMessage) => boolean;
  readonly newId: () => string;
}

/** All that the endpoint listens on. Its disposal ends all connections. */
export interface Listeners extends AsyncDisposable {
  /** Of TCP, in the order asked for. */
  readonly addresses: readonly AddressInfo[];
}

/** Engines take 1 MiB of headers (Go's default); `X-Registry-Config` needs some of it. */
const HEADERS_LIMIT_BYTES = 1024 * 1024;
const IDLE_MS = 5 * 60_000;

/** What the addresses with TLS show, and take. */
export interface ListenTls {
  /** From files, to clients; these have theirs from the same files' CA. Undefined: the cluster's, to clients too. */
  readonly own?: TlsIdentity | undefined;
  /** The cluster's: to hosts and schedulers. Undefined: this process has none. */
  readonly cluster?: ClusterTls | undefined;
}

/** This scheduler's certificate of the cluster's CA; not there before the first leader has made one. */
export interface ClusterTls {
  readonly current: () => Credentials | undefined;
  /** Called at each other one, and at once if there is one. */
  readonly onChange: (take: (credentials: Credentials) => void) => void;
}

/** What clients may have of it. */
export interface Limits extends Omit<ClientLimits, 'total'> {
  /** Another scheduler of this cluster has this address. */
  readonly isPeer?: (address: string) => boolean;
}

/** Throws `invalid` for an unknown group, `conflict` for a socket that another process has, and what node:net throws. */
export async function listenOn(at: readonly ListenOn[], tls: ListenTls | undefined, limits: Limits, hearers: Hearers): Promise<Listeners> {
  const gate = createGate({ ...limits, total: mostConnections() }, limits.isPeer ?? (() => false));
  const servers: http.Server[] = [];
  const addresses: AddressInfo[] = [];
  /** Those in a handshake included, which no server counts as connections. */
  const sockets = new Set<Socket>();
  for (const one of at) {
    const isSocket = 'path' in one;
    const secure = 'isTls' in one && one.isTls ? tls : undefined;
    const server = makeServer(secure, isSocket, limits, gate, hearers);
    servers.push(server);
    const hear = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (!gate.accept(socket, secure !== undefined)) return;
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      for (const listener of hear) listener.call(server, socket);
    });
    if (isSocket) await listenOnSocket(server, one);
    else {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(one.port, one.host, resolve));
      addresses.push(server.address() as AddressInfo);
    }
  }
  return {
    addresses,
    async [Symbol.asyncDispose]() {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      for (const server of servers) server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** Nobody else can connect before mode and group are set: the umask is the process's until the socket is bound. */
async function listenOnSocket(server: http.Server, { path, mode, group }: Extract<ListenAddress, { path: string }>): Promise<void> {
  const gid = group === undefined ? undefined : groupId(group);
  if (await isAnswered(path)) throw new ArpanetError('conflict', `another process listens at ${path}`);
  rmSync(path, { force: true });
  const umask = process.umask(0o177);
  let listening: Promise<void>;
  try {
    listening = new Promise((resolve, reject) => server.once('error', reject).listen(path, resolve));
  } finally {
    process.umask(umask);
  }
  await listening;
  if (gid !== undefined) chownSync(path, process.getuid?.() ?? 0, gid);
  chmodSync(path, mode);
}

function groupId(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  if (line === undefined) throw new ArpanetError('invalid', `--listen: this machine has no group "${name}"`);
  return Number(line.split(':')[2]);
}

/** False where no process has the socket: it was left by one that was killed. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** How often node:http looks for heads that are late. */
const LOOK_MS = 5_000;

function makeServer(tls: ListenTls | undefined, isSocket: boolean, limits: Limits, gate: Gate, hearers: Hearers): http.Server {
  const answering = new WeakMap<Duplex, ServerResponse>();
  const isFree = (socket: Duplex): boolean => answering.get(socket)?.writableFinished !== false;
  const options = {
    // bodies that come encrypted are decrypted into fresh buffers anyway
    IncomingMessage: stoppingAt((req) => tls === undefined && isFree(req.socket) && hearers.isUpload(req)),
    maxHeaderSize: HEADERS_LIMIT_BYTES,
    requestTimeout: 0, // uploads take hours: limits/connections.ts looks whether something comes
    headersTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.min(LOOK_MS, limits.requestMs / 2),
    keepAliveTimeout: IDLE_MS,
    noDelay: true,
    requireHostHeader: false, // guards.ts does, and nothing after it is heard
    highWaterMark: HIGH_WATER_MARK_BYTES,
  };
  const server = tls === undefined ? http.createServer(options) : secured(tls, options, gate, hearers.newId);
  server.setTimeout(limits.stallMs, gate.quiet);
  const door: Door = { server, isSocket, isTls: tls !== undefined };
  const isClusters = (socket: Duplex): boolean => tls !== undefined && socket instanceof TLSSocket && servesCluster(tls, socket);
  const refusalOf = (req: IncomingMessage): ArpanetError | undefined => {
    const [kind, words] = isNameless(req.socket)
      ? (['unauthorized', refuseNameless(req)] as const)
      : (['forbidden', isClusters(req.socket) ? refusePeer(requestPeer(req), req.url ?? '') : undefined] as const);
    return words === undefined ? undefined : new ArpanetError(kind, words);
  };
  server.on('request', (req, res) => {
    const refused = refusalOf(req);
    if (refused !== undefined) return refuseRequest(req, res, refused);
    answering.set(req.socket, res);
    const headers = { 'Arpanet-Request-Id': hearers.newId() };
    const isUpload = isUploadRoute(req);
    const late = (): void => refuseWith(res, tooSlow(isUpload ? STALLED_UPLOAD : LATE_BODY), headers);
    const over = gate.hear(req, res, isUpload, late);
    if (over !== undefined) return refuseWith(res, over, headers);
    hearers.request(req, res, door);
  });
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refused = refusalOf(req);
    if (refused !== undefined) return refuseSocket(socket, refused, { 'Arpanet-Request-Id': hearers.newId() });
    const over = gate.hearUpgrade(req);
    if (over !== undefined) return refuseSocket(socket, over, { 'Arpanet-Request-Id': hearers.newId() });
    hearers.upgrade(door, req, socket, head);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const res = answering.get(socket);
    const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    const isHandshake = tls !== undefined && !isLate && error.code?.startsWith('HPE_') !== true;
    if (isLate) refusals.inc({ why: 'slow-head' });
    // its alert, which says why, leaves first
    if (isHandshake) setImmediate(() => socket.destroy());
    else if (error.code === 'ECONNRESET' || !socket.writable || (isLate && socket.bytesRead === 0)) socket.destroy();
    // what comes after the last request of a connection is nobody's
    else if (error.code === 'HPE_CLOSED_CONNECTION') return;
    // never two answers to one request
    else if (res?.headersSent === true && !res.req.complete) socket.destroySoon();
    else refuseSocket(socket, malformed(error), { 'Arpanet-Request-Id': hearers.newId() });
  });
  return server;
}

const isUploadRoute = ({ method = '', url = '' }: IncomingMessage): boolean =>
  routeOf(method, splitVersion(url.split('?', 1)[0] ?? '').path)?.isUpload === true;

function refuseWith(res: ServerResponse, error: ArpanetError, own: Readonly<Record<string, string>>): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const answer = answerTo(error, '');
  res.writeHead(answer.status, { 'Content-Type': 'application/json', ...own, ...errorHeaders(answer), Connection: 'close' });
  res.end(errorBody(answer.message));
}

function refuseRequest(req: IncomingMessage, res: ServerResponse, error: ArpanetError): void {
  const { status, message } = answerTo(error, '');
  res.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' }).end(errorBody(message));
  req.resume();
}

/**
 * A certificate is asked for, and `admit` decides who is heard. Streams end each way by itself, as without TLS. docker-py up to 6 and so
 * docker-compose 1.29.2 speak TLS 1.2 alone (docker/tls.py): they may, with forward secrecy and without renegotiation.
 */
const TLS = {
  minVersion: 'TLSv1.2',
  // AES with 128 bits first, as Go has it (crypto/tls): 256 bits cost a fifth more for each byte
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  requestCert: true,
  rejectUnauthorized: false,
  allowHalfOpen: true,
  handshakeTimeout: 10_000,
} as const;

/** The connection is with the cluster's certificate, not with one of the files. */
const servesCluster = (tls: ListenTls, socket: TLSSocket): boolean => tls.own === undefined || asksAsMember(socket);

function secured(tls: ListenTls, options: http.ServerOptions, gate: Gate, newId: () => string): http.Server {
  const { own, cluster } = tls;
  const server = https.createServer({
    ...options,
    ...TLS,
    ...own,
    SNICallback(name: string, done: (error: Error | null, context?: SecureContext) => void) {
      const credentials = name === SCHEDULER_NAME || name === JOIN_NAME ? cluster?.current() : undefined;
      done(null, credentials && contextOf(credentials));
    },
  });
  if (own === undefined)
    cluster?.onChange(({ certificate: cert, privateKey: key, bundle: ca }) => server.setSecureContext({ ...TLS, cert, key, ca }));
  const hear = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[];
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket: TLSSocket) => {
    if (!admit(tls, socket)) return turnAway(socket, certificateFault(tls, socket), newId);
    gate.meet(socket, servesCluster(tls, socket) && isMember(requestPeer({ socket })));
    for (const listener of hear) listener.call(server, socket);
  });
  return server;
}

/** For who is turned away to ask something, as HTTP has no other way to answer. */
const ASK_MS = 10_000;

/** What it asks is not looked at: with a reason it is answered with that. */
function turnAway(socket: TLSSocket, why: string | undefined, newId: () => string): void {
  if (why === undefined) {
    socket.destroy();
    return;
  }
  socket.on('error', () => socket.destroy());
  socket.setTimeout(ASK_MS, () => socket.destroy());
  socket.once('data', () => refuseSocket(socket, new ArpanetError('unauthorized', why), { 'Arpanet-Request-Id': newId() }));
}

/** What is wrong with a certificate that the CA in `--tls-ca` is to have signed; undefined: none was shown, or this is the cluster's address. */
function certificateFault(tls: ListenTls, socket: TLSSocket): string | undefined {
  if (servesCluster(tls, socket) || socket.getPeerX509Certificate() === undefined) return undefined;
  const { subject, valid_from: from, valid_to: until } = socket.getPeerCertificate();
  const whose = `the client certificate of ${JSON.stringify(subject?.CN ?? '')}`;
  const code = String(socket.authorizationError);
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `${whose} is valid from ${from} to ${until}, and this scheduler's clock says ${new Date().toUTCString()}`;
  if (code === 'INVALID_PURPOSE') return `${whose} is not for clients (extended key usage clientAuth)`;
  return `${whose} is not of the CA of this scheduler's --tls-ca (${code})`;
}

/**
 * A client without a certificate is heard, and may ask for the dashboard, or has its session (refuseNameless); a certificate that does not count is refused in words
 * (refusePeer), one of a foreign CA where clients have an operator's own by the end of the connection. Processes of the cluster speak TLS 1.3.
 */
function admit(tls: ListenTls, socket: TLSSocket): boolean {
  if (!servesCluster(tls, socket)) return socket.authorized || isNameless(socket);
  const credentials = tls.cluster?.current();
  const peer = credentials && peerOf(socket, certificatesIn(credentials.bundle));
  if ((asksAsMember(socket) || isMember(peer)) && socket.getProtocol() !== 'TLSv1.3') return false;
  if (peer !== undefined) certify(socket, peer);
  return true;
}

export function urlOf({ address, port }: AddressInfo, isTls: boolean): string {
  return `http${isTls ? 's' : ''}://${formatHostPort({ host: address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address, port })}`;
}

const isMember = (peer: Peer | undefined): boolean => peer?.kind === 'host' || peer?.kind === 'scheduler';

function malformed({ code, message }: NodeJS.ErrnoException): ArpanetError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return tooSlow('the head of this request did not come within the time that a client has (--request-time)');
  if (code === 'HPE_HEADER_OVERFLOW') refusals.inc({ why: 'headers' });
  if (code !== 'HPE_HEADER_OVERFLOW') return new ArpanetError('invalid', `malformed HTTP request: ${message}`);
  return new ArpanetError('engine', `a request's headers may have ${HEADERS_LIMIT_BYTES} bytes together`, { engineStatus: 431 });
}

/**
 * Some clients (Java's, curl's) offer `Upgrade: h2c` with any request; an Engine answers it as if they had not. Node has no way to decline an
 * upgrade, so the request goes in again at the endpoint without the offer.
 */
export function withoutUpgrade(server: http.Server, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${req.method ?? 'GET'} ${req.url ?? '/'} HTTP/1.1`];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i] ?? '';
    if (!/^(?:connection|upgrade|http2-settings)$/i.test(name)) lines.push(`${name}: ${req.rawHeaders[i + 1] ?? ''}`);
  }
  socket.removeAllListeners('error');
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
}
