/** Effects: the DNS server's sockets: UDP and TCP on every address listened on. */
import { Buffer } from 'node:buffer';
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError, type HostDns, type NameChange, type NameTable } from '../model/index.ts';
import { guarded, reportFault } from '../telemetry/faults.ts';
import type { Logger } from '../telemetry/log.ts';
import type { LeadsTo } from './answer.ts';
import { createResponder, type Reply, type RespondStats } from './respond.ts';
import { searchListOf } from './search.ts';
import { type Connections, createConnections, createCounter } from './shares.ts';
import { createForwarder, hostResolvers } from './upstream.ts';
import { type HostPort, parseHostPort } from '../text/host-port.ts';
import { contains, parseAddress, parseSubnet, type Subnet } from '../text/ipv4.ts';

/** Where the DNS server listens and forwards. */
export interface DnsOptions {
  /** Default 53. Tests take others. */
  readonly port?: number;
  /** `address[:port]` of the servers for all other names. Default: the resolvers of /etc/resolv.conf, without this server itself. */
  readonly upstream?: readonly string[];
  /** `host:port` of Consul's DNS, for `.consul` names that are not of this cluster. */
  readonly consulDns?: string;
  /** The cluster's pool (`10.32.0.0/12`): reverse names in it are never forwarded. */
  readonly pool?: string;
  readonly log: Logger;
  readonly now: () => number;
}

export interface DnsStats extends RespondStats {
  readonly forwarded: number;
  /** Forwarded to servers of which none answered, or all refused. */
  readonly unanswered: number;
  /** Addresses. */
  readonly listening: readonly string[];
}

/** A DNS server; it answers from the table that `table` got last, and what `change` got since. */
export interface DnsService {
  /**
   * Idempotent. Waits up to 2 s for an address that this host does not have yet. `of`: the subnet that it is for (CIDR); who is neither in it, nor in the
   * pool, nor in the table, nor this host itself, gets no answer. Absent: everybody gets one.
   * Throws `conflict` (port in use), `forbidden` (no right to the port), `unavailable`.
   */
  readonly listen: (address: string, of?: string) => Promise<void>;
  readonly unlisten: (address: string) => Promise<void>;
  readonly table: (table: NameTable) => void;
  /** Must be of the table that it has. */
  readonly change: (change: NameChange) => void;
  /** Its table is what the leader had at this time. */
  readonly confirm: (atMs: number) => void;
  /**
   * What this host's Engine gives to containers: servers (addresses) from its flags or daemon.json, in place of those of /etc/resolv.conf (empty: none; this server's
   * options go before them), and a search list.
   */
  readonly ofEngine: (dns: HostDns) => void;
  /** Which clients can use services' addresses, and what a client's queries wait for; before the first call none, and nothing. */
  readonly services: (of: { readonly leadsTo: LeadsTo; readonly settled: (client: string) => Promise<void> | undefined }) => void;
  /** How Consul is asked where no `consulDns` is given; undefined: not at all. */
  readonly askConsul: (ask: AskConsul | undefined) => void;
  readonly stats: () => DnsStats;
  readonly close: () => Promise<void>;
}

/** Another server's answer to a query; undefined: none came in time. Never rejects. */
export type AskConsul = (query: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>;

interface Listener {
  readonly udp: UdpSocket;
  readonly tcp: Server;
  readonly clients: Connections;
}

/** For each of a container's own servers: its Engine's resolver waits 4 s for all that this server does. */
const OWN_TIMEOUT_MS = 1200;
const addressWaitMs = 2000;
const addressRetryMs = 50;
const tcpIdleMs = 10_000;
const [maxTcpClients, maxTcpOfOne] = [256, 32];
/** Of the queries that wait for other servers. */
const maxWaitingOfOne = 100;
const maxTcpQuery = 4096;
const OWN_ADDRESSES_MS = 1_000;

/** A DNS server that listens nowhere yet. Throws nothing. */
export function createDns(options: DnsOptions): DnsService {
  const { port = 53, log, now, consulDns, pool } = options;
  const listeners = new Map<string, Promise<Listener>>();
  const responder = createResponder({
    now,
    random: Math.random,
    hasConsul: consulDns !== undefined,
    ...(pool === undefined ? {} : { pool }),
  });
  const forwarder = createForwarder();
  const consul = consulDns === undefined ? [] : [serverAt(consulDns, 8600)];
  const fixed = options.upstream?.map((server) => serverAt(server, 53));
  const ofHost = hostResolvers(now);
  let ofEngine: readonly HostPort[] = [];
  let relay: AskConsul | undefined;
  let settled: (client: string) => Promise<void> | undefined = () => undefined;
  const counts = { forwarded: 0, unanswered: 0 };
  const waiting = createCounter(maxWaitingOfOne);
  const inPool = pool === undefined ? undefined : parseSubnet(pool);
  let own: { readonly atMs: number; readonly addresses: ReadonlySet<string> } | undefined;

  /** A client on this host itself asks from any of its addresses. They are read again after a second. */
  function isOfThisHost(client: string): boolean {
    if (own === undefined || performance.now() - own.atMs > OWN_ADDRESSES_MS) {
      const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
      own = { atMs: performance.now(), addresses: new Set(all.map(({ address }) => address)) };
    }
    return own.addresses.has(client);
  }

  /** Whose queries are answered at an address that is for one subnet. */
  function mayAsk(client: string, subnet: Subnet | undefined): boolean {
    if (subnet === undefined) return true;
    const address = parseAddress(client);
    const isIn = address !== undefined && (contains(subnet, address) || (inPool !== undefined && contains(inPool, address)));
    return isIn || responder.knows(client) || isOfThisHost(client);
  }

  type Forwarded = Extract<Reply, { readonly kind: 'forward' }>;
  async function forward(message: Buffer, reply: Forwarded, transport: 'udp' | 'tcp', client: string): Promise<Buffer> {
    if (!waiting.enter(client)) return reply.otherwise;
    try {
      return await sendOn(message, reply, transport);
    } finally {
      waiting.leave(client);
    }
  }

  async function sendOn(message: Buffer, reply: Forwarded, transport: 'udp' | 'tcp'): Promise<Buffer> {
    const { to, otherwise, instead, first = [] } = reply;
    counts.forwarded += 1;
    for (const { message: query, answer } of first) {
      const theirs = await forwarder.ask(query, await serversFor(to), 'tcp');
      const made = theirs && answer(theirs);
      if (made !== undefined) return made;
    }
    const [query, way] = instead === undefined ? [message, transport] : [instead.message, 'tcp' as const];
    const answer =
      to === 'consul' && consul.length === 0
        ? await relay?.(query, way)
        : await forwarder.ask(query, await serversFor(to), way, typeof to === 'object' ? OWN_TIMEOUT_MS : undefined);
    if (!answer) counts.unanswered += 1;
    return answer === undefined ? otherwise : (instead?.answer(answer) ?? answer);
  }

  async function serversFor(to: Extract<Reply, { readonly kind: 'forward' }>['to']): Promise<readonly HostPort[]> {
    const servers =
      typeof to === 'object'
        ? to.servers.map((host) => ({ host, port: 53 }))
        : to === 'consul'
          ? consul
          : (fixed ?? (ofEngine.length > 0 ? ofEngine : await ofHost()));
    return servers.filter((server) => server.port !== port || !listeners.has(server.host));
  }

  async function onDatagram(socket: UdpSocket, message: Buffer, { address, port }: RemoteInfo, of: Subnet | undefined): Promise<void> {
    // Source port 0 means that no answer is wanted (RFC 768), and Node refuses to send there.
    if (port === 0 || !mayAsk(address, of)) return;
    const rules = settled(address);
    if (rules !== undefined) await rules;
    const reply = responder.respond(message, address, 'udp');
    if (reply.kind === 'drop') return;
    const packet = reply.kind === 'answer' ? reply.packet : await forward(message, reply, 'udp', address);
    if (isOpen(socket)) socket.send(packet, port, address, ignoreSendError);
  }

  /** Answers in the order of the queries, one at a time: a client that does not read its answers is not read from either. */
  async function onConnection(socket: Socket, client: string): Promise<void> {
    for await (const message of messages(socket)) {
      const rules = settled(client);
      if (rules !== undefined) await rules;
      const reply = responder.respond(message, client, 'tcp');
      if (reply.kind === 'drop') return;
      const packet = reply.kind === 'answer' ? reply.packet : await forward(message, reply, 'tcp', client);
      if (!socket.writable) return;
      const hasRoom = socket.write(Buffer.concat([Buffer.from([packet.length >>> 8, packet.length & 0xff]), packet]));
      if (!hasRoom) await once(socket, 'drain');
    }
  }

  async function open(address: string, of: Subnet | undefined): Promise<Listener> {
    const udp = await bindUdp(address, of);
    const clients = createConnections(maxTcpClients, maxTcpOfOne);
    const tcp = createServer({ allowHalfOpen: true }, (socket) => {
      const client = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
      socket.on('error', () => socket.destroy());
      if (!mayAsk(client, of)) {
        socket.destroy();
        return;
      }
      clients.add(socket, client);
      socket.setTimeout(tcpIdleMs, () => socket.destroy());
      onConnection(socket, client).then(
        () => socket.end(),
        (err: unknown) => {
          // a client that closes in the middle is no fault
          if (!isSystemError(err)) reportFault(log, 'a DNS connection', err);
          socket.destroy();
        },
      );
    });
    try {
      await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen({ host: address, port }, resolve));
    } catch (error) {
      udp.close();
      throw error;
    }
    tcp.on('error', (err) => log.warn({ err, address }, 'DNS socket error'));
    return { udp, tcp, clients };
  }

  async function bindUdp(address: string, of: Subnet | undefined): Promise<UdpSocket> {
    const isSix = isIPv6(address);
    const socket = createSocket({
      type: isSix ? 'udp6' : 'udp4',
      recvBufferSize: 4 << 20,
      sendBufferSize: 4 << 20,
      // Clients' addresses are numeric; the default look-up would cost a turn of the event loop for each answer.
      lookup: (host, _options, found) => found(null, host, isSix ? 6 : 4),
    });
    try {
      await new Promise<void>((resolve, reject) => socket.once('error', reject).bind({ address, port, exclusive: true }, resolve));
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.removeAllListeners('error');
    // Ignore send errors to unreachable clients; the socket stays open also while its address is missing from the host.
    socket.on('error', (err) => log.debug({ err, address }, 'DNS socket error'));
    socket.on(
      'message',
      guarded(log, 'a DNS packet', (message: Buffer, client: RemoteInfo) => onDatagram(socket, message, client, of)),
    );
    return socket;
  }

  async function openWhenThere(address: string, of: Subnet | undefined): Promise<Listener> {
    for (let waitedMs = 0; ; waitedMs += addressRetryMs) {
      try {
        const listener = await open(address, of);
        log.info({ address, port }, 'DNS listening');
        return listener;
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
        if (code === 'EADDRNOTAVAIL' && waitedMs < addressWaitMs) await sleep(addressRetryMs);
        else throw listenError(address, port, code, cause);
      }
    }
  }

  async function unlisten(address: string): Promise<void> {
    const opening = listeners.get(address);
    listeners.delete(address);
    const listener = await opening?.catch(() => undefined);
    if (!listener) return;
    for (const client of listener.clients) client.destroy();
    await Promise.all([
      new Promise<void>((resolve) => listener.udp.close(resolve)),
      new Promise<void>((resolve) => listener.tcp.close(() => resolve())),
    ]);
    log.info({ address, port }, 'DNS no longer listening');
  }

  return {
    listen: async (address, of) => {
      const opening = listeners.get(address) ?? openWhenThere(address, of === undefined ? undefined : parseSubnet(of));
      listeners.set(address, opening);
      try {
        await opening;
      } catch (error) {
        if (listeners.get(address) === opening) listeners.delete(address);
        throw error;
      }
    },
    unlisten,
    table: responder.table,
    change: responder.change,
    confirm: responder.confirm,
    ofEngine: (dns) => {
      ofEngine = dns.servers.map((host) => ({ host, port: 53 }));
      responder.search(searchListOf(dns));
    },
    services: (of) => {
      responder.services(of.leadsTo);
      settled = of.settled;
    },
    askConsul: (ask) => {
      relay = ask;
      responder.consul(ask !== undefined || consul.length > 0);
    },
    stats: () => ({ ...responder.stats(), ...counts, listening: [...listeners.keys()] }),
    close: async () => {
      forwarder.close();
      await Promise.all([...listeners.keys()].map(unlisten));
    },
  };
}

/**
 * The messages of a connection, each preceded by its length (RFC 1035 section 4.2.2); ends at one that is longer than a query can be, and at one that is not
 * whole 10 s after the one before.
 */
async function* messages(socket: Socket): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let sinceMs = performance.now();
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 2) {
      const end = 2 + rest.readUInt16BE(0);
      if (end > maxTcpQuery) return;
      if (end > rest.length) break;
      yield rest.subarray(2, end);
      rest = rest.subarray(end);
      sinceMs = performance.now();
    }
    // a byte now and then keeps no connection
    if (performance.now() - sinceMs > tcpIdleMs) return;
  }
}

/** An unreachable client costs nobody else anything. */
const ignoreSendError = (): void => undefined;

const isSystemError = (error: unknown): boolean => error instanceof Error && 'code' in error;

function isOpen(socket: UdpSocket): boolean {
  try {
    socket.address();
    return true;
  } catch {
    return false;
  }
}

function listenError(address: string, port: number, code: unknown, cause: unknown): ArpanetError {
  const where = `cannot answer DNS on ${address}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new ArpanetError(
        'conflict',
        `${where}: another program uses this port; stop that program, or let it listen on other addresses`,
        { cause },
      );
    case 'EACCES':
      return new ArpanetError('forbidden', `${where}: this needs root or CAP_NET_BIND_SERVICE`, { cause });
    case 'EADDRNOTAVAIL':
      return new ArpanetError('unavailable', `${where}: this host has no such address`, { cause });
    default:
      return new ArpanetError('unavailable', where, { cause });
  }
}

/** `HOST` or `HOST:PORT` of a DNS server. Throws `invalid`. */
function serverAt(text: string, defaultPort: number): HostPort {
  const server = parseHostPort(text, defaultPort);
  if (server === undefined) throw new ArpanetError('invalid', `"${text}" is not of the form ADDR or ADDR:PORT`);
  return server;
}
