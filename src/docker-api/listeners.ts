/** Effects: the sockets that the endpoint listens on, and the answers to bytes that are no request. */
import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import { HIGH_WATER_MARK_BYTES } from '../engine/index.ts';
import { ArpanetError } from '../model/index.ts';
import type { ListenAddress, TlsIdentity } from '../security/index.ts';
import { refuseSocket } from './proxy/hijack.ts';
import { stoppingAt } from './proxy/uploads.ts';

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

/** Throws `invalid` for an unknown group, `conflict` for a socket that another process has, and what node:net throws. */
export async function listenOn(at: readonly ListenOn[], tls: TlsIdentity | undefined, hearers: Hearers): Promise<Listeners> {
  const servers: http.Server[] = [];
  const addresses: AddressInfo[] = [];
  for (const one of at) {
    const isSocket = 'path' in one;
    const server = makeServer('isTls' in one && one.isTls ? tls : undefined, isSocket, hearers);
    servers.push(server);
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

function makeServer(tls: TlsIdentity | undefined, isSocket: boolean, hearers: Hearers): http.Server {
  const answering = new WeakMap<Duplex, ServerResponse>();
  const isFree = (socket: Duplex): boolean => answering.get(socket)?.writableFinished !== false;
  const options = {
    // bodies that come encrypted are decrypted into fresh buffers anyway
    IncomingMessage: stoppingAt((req) => tls === undefined && isFree(req.socket) && hearers.isUpload(req)),
    maxHeaderSize: HEADERS_LIMIT_BYTES,
    requestTimeout: 0,
    keepAliveTimeout: IDLE_MS,
    noDelay: true,
    requireHostHeader: false, // guards.ts does, and nothing after it is heard
    highWaterMark: HIGH_WATER_MARK_BYTES,
  };
  const server = tls === undefined ? http.createServer(options) : https.createServer({ ...options, ...tls, ...TLS });
  const door: Door = { server, isSocket, isTls: tls !== undefined };
  server.on('request', (req, res) => {
    answering.set(req.socket, res);
    hearers.request(req, res, door);
  });
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    hearers.upgrade(door, req, socket, head);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const res = answering.get(socket);
    const isHandshake = tls !== undefined && error.code?.startsWith('HPE_') !== true;
    // its alert, which says why, leaves first
    if (isHandshake) setImmediate(() => socket.destroy());
    else if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    // what comes after the last request of a connection is nobody's
    else if (error.code === 'HPE_CLOSED_CONNECTION') return;
    // never two answers to one request
    else if (res?.headersSent === true && !res.req.complete) socket.destroySoon();
    else refuseSocket(socket, malformed(error), { 'Arpanet-Request-Id': hearers.newId() });
  });
  return server;
}

/** A certificate of the CA is asked for, and nobody is heard without one. Streams end each way by itself, as without TLS. */
const TLS = { minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true, allowHalfOpen: true, handshakeTimeout: 10_000 } as const;

function malformed({ code, message }: NodeJS.ErrnoException): ArpanetError {
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
