/** Effects: the sockets that the endpoint listens on, and the answers to bytes that are no request. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HIGH_WATER_MARK_BYTES } from '../engine/index.ts';
import { ArpanetError } from '../model/index.ts';
import { refuseSocket } from './proxy/hijack.ts';
import { stoppingAt } from './proxy/uploads.ts';

/** What is called for what comes in. */
export interface Hearers {
  readonly request: (req: IncomingMessage, res: ServerResponse) => void;
  readonly upgrade: (server: http.Server, req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** True for a request whose body is an upload. */
  readonly isUpload: (req: IncomingMessage) => boolean;
  readonly newId: () => string;
}

/** All that the endpoint listens on. Its disposal ends all connections. */
export interface Listeners extends AsyncDisposable {
  /** In the order asked for. */
  readonly addresses: readonly AddressInfo[];
}

/** Engines take 1 MiB of headers (Go's default); `X-Registry-Config` needs some of it. */
const HEADERS_LIMIT_BYTES = 1024 * 1024;
const IDLE_MS = 5 * 60_000;

export async function listenOn(at: readonly { readonly host: string; readonly port: number }[], hearers: Hearers): Promise<Listeners> {
  const servers: http.Server[] = [];
  const addresses: AddressInfo[] = [];
  for (const { host, port } of at) {
    const server = makeServer(hearers);
    servers.push(server);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    addresses.push(server.address() as AddressInfo);
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

function makeServer(hearers: Hearers): http.Server {
  const answering = new WeakMap<Duplex, ServerResponse>();
  const isFree = (socket: Duplex): boolean => answering.get(socket)?.writableFinished !== false;
  const server = http.createServer({
    IncomingMessage: stoppingAt((req) => isFree(req.socket) && hearers.isUpload(req)),
    maxHeaderSize: HEADERS_LIMIT_BYTES,
    requestTimeout: 0,
    keepAliveTimeout: IDLE_MS,
    noDelay: true,
    requireHostHeader: false, // guards.ts does, and nothing after it is heard
    highWaterMark: HIGH_WATER_MARK_BYTES,
  });
  server.on('request', (req, res) => {
    answering.set(req.socket, res);
    hearers.request(req, res);
  });
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    hearers.upgrade(server, req, socket, head);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const res = answering.get(socket);
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    // what comes after the last request of a connection is nobody's
    else if (error.code === 'HPE_CLOSED_CONNECTION') return;
    // never two answers to one request
    else if (res?.headersSent === true && !res.req.complete) socket.destroySoon();
    else refuseSocket(socket, malformed(error), { 'Arpanet-Request-Id': hearers.newId() });
  });
  return server;
}

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
  server.emit('connection', socket);
}
