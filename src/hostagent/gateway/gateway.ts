/**
 * Effects: the engine gateway, the leader's and other agents' way to this host's Engine. `GET /engine` with `Upgrade: tunnel`, the
 * join token and an epoch; after `101` the socket is spliced, byte for byte, to the Engine's own, or with `GET /port/ADDRESS/PORT` to a port as
 * this host itself calls it. Half-close travels both ways. `GET /held`,
 * with the token, says what this process holds.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import { reset } from '../../engine/half-open.ts';
import { HIGH_WATER_MARK_BYTES, reusedBufferReader, reuseReadBuffer } from '../../engine/reused-read-buffer.ts';
import { splice } from '../../engine/splice.ts';
import { dial, dialUnix } from '../../engine/upgrade.ts';
import type { RecoveryFacts } from '../../model/wire.ts';
import { resourceUsage } from '../../telemetry/resource-usage.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { EpochGuard } from './epoch.ts';

export interface GatewayOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  readonly engine: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  readonly epoch: EpochGuard;
  /** Told where the leader is whose tunnel raises the epoch, before it is raised. */
  readonly onLeader?: (url: string) => void;
  /** What this host could tell one who makes a lost store anew. */
  readonly kept?: () => RecoveryFacts;
  /** Figures for `GET /metrics`, in Prometheus' words. */
  readonly metrics?: () => string;
  readonly log: Logger;
}

export interface Gateway extends AsyncDisposable {
  readonly port: number;
}

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n\r\n';

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { token, engine, epoch, log } = options;
  const tunnels = new Map<Socket, number>();
  const limits = { headersTimeout: 5_000, requestTimeout: 5_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 };
  const tcp = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000, highWaterMark: HIGH_WATER_MARK_BYTES };
  const server = http.createServer({ ...limits, ...tcp }, (request, response) => {
    if (request.method === 'GET' && request.url === '/metrics' && options.metrics !== undefined) {
      response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', Connection: 'close' });
      return void response.end(options.metrics());
    }
    const isKnown = request.method === 'GET' && request.url === '/kept' && options.kept !== undefined;
    if (isKnown && isBearer(request, token)) {
      response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' });
      return void response.end(JSON.stringify(options.kept()));
    }
    if (isKnown) {
      response.writeHead(401, { 'Content-Type': 'application/json', Connection: 'close' });
      return void response.end('{"message":"wrong join token"}\n');
    }
    if (request.url?.startsWith('/held') === true && isBearer(request, token)) {
      return void response.end(`${JSON.stringify(resourceUsage(request.url.endsWith('?collect=1')))}\n`);
    }
    response.writeHead(404, { 'Content-Type': 'application/json', Connection: 'close' });
    response.end(
      '{"message":"this is an engine gateway of arpanet: it has only GET /engine and GET /port/ADDRESS/PORT, with Upgrade: tunnel"}\n',
    );
    return undefined;
  });

  server.on('upgrade', (request, accepted: Socket, head) => {
    // both ways through a buffer that is used again
    const client = reuseReadBuffer(accepted, () => upstream);
    client.on('error', () => client.destroy());
    const offered = Number(request.headers['arpanet-epoch'] ?? 'none');
    const port = portIn(request.url ?? '');
    if ((request.url !== '/engine' && port === undefined) || request.headers.upgrade !== 'tunnel')
      return refuse(client, 404, 'no such tunnel: use GET /engine or GET /port/ADDRESS/PORT with Upgrade: tunnel');
    if (!isBearer(request, token)) return refuse(client, 401, 'wrong join token');
    const leader = request.headers['arpanet-leader'];
    if (offered > epoch.current() && typeof leader === 'string') options.onLeader?.(leader);
    if (!epoch.admit(offered)) {
      log.warn({ offered, seen: epoch.current(), from: client.remoteAddress }, 'refused a tunnel of an old epoch');
      return refuse(client, 409, `epoch ${offered} is over: this host has seen epoch ${epoch.current()}`);
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
      if (!tunnels.has(client)) refuse(client, 503, `${port === undefined ? 'the Engine' : 'the port'} does not answer: ${err.message}`);
    });
  });

  epoch.onRaise((current) => {
    for (const [client, opened] of tunnels) if (opened < current) reset(client);
  });

  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      for (const client of tunnels.keys()) client.destroy();
      await closed;
    },
  };
}

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

/** Compares digests, so that neither time nor length tells anything of the token. */
function isBearer(request: IncomingMessage, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}
