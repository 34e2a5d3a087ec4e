/**
 * Effects: the engine gateway, through which the leader and other agents reach this host's Engine. They send `GET /engine` with
 * `Upgrade: tunnel`, the join token and an epoch; after `101` the socket is spliced, byte for byte, to the Engine's, or with
 * `GET /port/ADDRESS/PORT` to a port as this host itself reaches it. Half-close is passed on in both directions.
 * `POST /image` with the token, an epoch and `{reference, without}` gives an image's archive without layers that the reader has.
 * Besides: `GET /metrics` for anybody; `GET /kept`, `GET /leader` (whether it is heard here) and `GET /held` (open sockets, timers, memory) with the join token.
 */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished, pipeline } from 'node:stream/promises';
import http, { type IncomingMessage } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import { reset } from '../../engine/half-open.ts';
import { HIGH_WATER_MARK_BYTES, reusedBufferReader, reuseReadBuffer } from '../../engine/reused-read-buffer.ts';
import { isBearer } from '../../engine/bearer.ts';
import { splice } from '../../engine/splice.ts';
import { dial, dialUnix } from '../../engine/upgrade.ts';
import { isKind } from '../../model/errors.ts';
import type { LeaderHeard, RecoveryFacts } from '../../model/wire.ts';
import { type ArchiveRequest, archiveRequest } from '../images/archive-request.ts';
import { resourceUsage } from '../../telemetry/resource-usage.ts';
import { guarded, inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { HostIdentity } from '../identity/host-identity.ts';
import { gatewayRefusal, secureServer } from './gateway-tls.ts';
import type { EpochGuard } from './epoch.ts';

export interface GatewayOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** It speaks TLS alone, to holders of the cluster's certificates; undefined: plain HTTP, to who shows the token. */
  readonly tls?: Pick<HostIdentity, 'onChange' | 'isRevoked'> | undefined;
  readonly engine: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  readonly epoch: EpochGuard;
  /** For `GET /kept`; `port` is the one that this gateway listens on. */
  readonly recoveryFacts: (port: number) => RecoveryFacts;
  /** For `GET /leader`; undefined: no leader has welcomed this host yet. */
  readonly leaderHeard: () => LeaderHeard | undefined;
  /** For `POST /image`. Throws what the Engine refuses. */
  readonly imageArchive: (asked: ArchiveRequest, signal: AbortSignal) => Promise<Readable>;
  /** For `POST /layers`. Throws what the Engine refuses. */
  readonly imageLayers: (reference: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** Answer to `GET /metrics`, in Prometheus' text format 0.0.4. */
  readonly metrics: () => string;
  readonly log: Logger;
}

export interface Gateway extends AsyncDisposable {
  readonly port: number;
}

const ARCHIVE_REQUEST_BYTES = 64 * 1024;
const LINGER_MS = 2_000;
const NO_SUCH_PATH = 'this is an engine gateway of arpanet: use GET /engine or GET /port/ADDRESS/PORT, with Upgrade: tunnel';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n\r\n';

/** Resolves when it listens. Throws Node's error when it cannot (`EADDRINUSE`, `EADDRNOTAVAIL`, …). */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { token, engine, epoch, log } = options;
  const tunnels = new Map<Socket, number>();
  const limits = { headersTimeout: 5_000, requestTimeout: 5_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 };
  const tcp = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000, highWaterMark: HIGH_WATER_MARK_BYTES };
  /** With TLS the certificate has been judged already. */
  const isTrusted = ({ headers }: IncomingMessage): boolean => options.tls !== undefined || isBearer(headers.authorization, token);
  const onRequest = (request: IncomingMessage, response: http.ServerResponse): void => {
    const reply = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'Content-Type': type, Connection: 'close' });
      response.end(body);
    };
    const json = 'application/json';
    const { method, url = '' } = request;
    const refusal = options.tls === undefined ? undefined : gatewayRefusal(request, options.tls);
    if (refusal !== undefined) return reply(403, json, `${JSON.stringify({ message: refusal })}\n`);
    if (method === 'GET' && url === '/metrics') return reply(200, 'text/plain; version=0.0.4; charset=utf-8', options.metrics());
    if (method === 'POST' && (url === '/image' || url === '/layers'))
      return inBackground(log, 'an image for another host', giveImage(request, response));
    const isUsage = url.startsWith('/held');
    const heard = url === '/leader' ? options.leaderHeard() : undefined;
    if (method !== 'GET' || (url !== '/kept' && heard === undefined && !isUsage))
      return reply(404, json, `{"message":"${NO_SUCH_PATH}"}\n`);
    if (!isTrusted(request)) return reply(401, json, '{"message":"wrong join token"}\n');
    if (heard !== undefined) return reply(200, json, JSON.stringify(heard));
    if (isUsage) return reply(200, json, `${JSON.stringify(resourceUsage(url.endsWith('?collect=1')))}\n`);
    return reply(200, json, JSON.stringify(options.recoveryFacts(portOf(server))));
  };
  async function giveImage(request: IncomingMessage, response: http.ServerResponse): Promise<void> {
    const refuse = (status: number, message: string): void => {
      response.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' }).end(`${JSON.stringify({ message })}\n`);
    };
    if (!isTrusted(request)) return refuse(401, 'wrong join token');
    const offered = Number(request.headers['arpanet-epoch'] ?? 'none');
    // another host says nothing of leaders
    const isCurrent = options.tls === undefined ? epoch.admit(offered) : offered >= epoch.current();
    if (!isCurrent) return refuse(409, `epoch ${offered} is too low: this host has seen epoch ${epoch.current()}`);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      if (!(Number(request.headers['content-length']) <= ARCHIVE_REQUEST_BYTES)) {
        // a client that is cut off while it sends sees no answer
        await finished(request.resume(), { writable: false, signal: AbortSignal.timeout(LINGER_MS) }).catch(() => undefined);
        return refuse(413, 'the body is too long');
      }
      const asked = archiveRequest(await buffer(request));
      if (asked === undefined) return refuse(400, 'the body is not {reference, without}');
      if (request.url === '/layers') {
        const layers = await options.imageLayers(asked.reference, gone.signal);
        response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' }).end(JSON.stringify({ layers }));
        return;
      }
      const archive = await options.imageArchive(asked, gone.signal);
      response.writeHead(200, { 'Content-Type': 'application/x-tar', Connection: 'close' });
      await pipeline(archive, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else refuse(isKind(error, 'engine') ? (error.engineStatus ?? 500) : 503, error instanceof Error ? error.message : String(error));
    }
  }

  const heard = guarded(log, 'a request to the engine gateway', onRequest);
  const server =
    options.tls === undefined ? http.createServer({ ...limits, ...tcp }, heard) : secureServer({ ...limits, ...tcp }, options.tls, heard);

  const onUpgrade = (request: IncomingMessage, accepted: Socket, head: Buffer): void => {
    // one buffer for all reads, in each direction
    const client = reuseReadBuffer(accepted, () => upstream);
    client.on('error', () => client.destroy());
    const offered = Number(request.headers['arpanet-epoch'] ?? 'none');
    const port = portIn(request.url ?? '');
    if ((request.url !== '/engine' && port === undefined) || request.headers.upgrade !== 'tunnel')
      return refuse(client, 404, 'no such tunnel: use GET /engine or GET /port/ADDRESS/PORT with Upgrade: tunnel');
    const refusal = options.tls === undefined ? undefined : gatewayRefusal(request, options.tls);
    if (refusal !== undefined) return refuse(client, 403, refusal);
    if (!isTrusted(request)) return refuse(client, 401, 'wrong join token');
    const leader = request.headers['arpanet-leader'];
    if (!epoch.admit(offered, typeof leader === 'string' ? leader : undefined)) {
      log.warn(
        { offered, seen: epoch.current(), from: client.remoteAddress },
        'refused a tunnel: a leader with a higher epoch was elected',
      );
      return refuse(client, 409, `epoch ${offered} is too low: this host has seen epoch ${epoch.current()}`);
    }
    const onread = reusedBufferReader(() => client);
    const target = port ?? engine;
    const upstream = 'socketPath' in target ? dialUnix(target.socketPath, onread) : dial(target.host, target.port, onread);
    upstream.once('connect', () => {
      client.write(SWITCH);
      if (head.length > 0) upstream.write(head);
      tunnels.set(client, offered);
      client.once('close', () => tunnels.delete(client));
      splice(client, upstream);
    });
    upstream.once('error', (err) => {
      if (!tunnels.has(client))
        refuse(client, 503, `${port === undefined ? 'the Docker Engine' : 'the port'} does not answer: ${err.message}`);
    });
  };
  server.on('upgrade', guarded(log, 'a tunnel', onUpgrade));

  epoch.onRaise((current) => {
    for (const [client, opened] of tunnels) if (opened < current) reset(client);
  });

  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: portOf(server),
    async [Symbol.asyncDispose]() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      for (const client of tunnels.keys()) client.destroy();
      await closed;
    },
  };
}

const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

function portIn(path: string): { readonly host: string; readonly port: number } | undefined {
  const [, host = '', port] = /^\/port\/([^/]+)\/(\d+)$/.exec(path) ?? [];
  return isIP(host) > 0 && Number(port) < 65_536 ? { host, port: Number(port) } : undefined;
}

function refuse(client: Socket, status: number, message: string): void {
  const body = `${JSON.stringify({ message })}\n`;
  const head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  client.end(`${head}\r\nConnection: close\r\n\r\n${body}`);
  client.setTimeout(5_000, () => client.destroy());
}
