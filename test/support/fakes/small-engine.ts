/** An HTTP server that stands where an Engine stands, and a endpoint whose literal cluster has its containers there. */
import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Cluster } from '../../../src/contracts/index.ts';
import { type Endpoint, type EndpointDeps, startEndpoint } from '../../../src/docker-api/index.ts';
import { quietLog } from '../cluster/lab.ts';
import type { GivenRoles } from './given-roles.ts';
import { literalCluster, literalContainer, literalHost } from './literal-cluster.ts';

/** As a scheduler has them by default. */
export const ENDPOINT_LIMITS = {
  bodyLimitBytes: () => 4 * 1024 * 1024,
  streamLimit: 20_000,
  eventsBehindBytes: 8 * 1024 * 1024,
  limits: { connections: 1_000, streams: 1_000, requestMs: 60_000, stallMs: 600_000, streamStallMs: 86_400_000 },
} as const;

export const ID = 'c'.repeat(64);

export interface Small extends AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly cluster: Cluster;
  readonly url: string;
  readonly port: number;
  readonly engine: http.Server;
  /** What the endpoint asked the cluster to do, in order. */
  readonly asked: string[];
}

const knowsNothing: RequestListener = (_req, res) => void res.writeHead(404).end('{"message":"nothing here"}');

const wanted = (what: object): readonly string[] => Object.entries(what).flatMap(([name, value]) => (value === false ? [] : [name]));

/** `known` goes into the cluster; `listener` answers as host h1's Engine; `raw` takes its connections before HTTP does. */
export async function startSmall(
  options: {
    readonly listener?: RequestListener;
    readonly raw?: (socket: Socket) => void;
    readonly known?: GivenRoles<Cluster>;
    readonly deps?: Partial<EndpointDeps>;
    readonly leads?: boolean;
  } = {},
): Promise<Small> {
  const engine = http.createServer({ keepAliveTimeout: 60_000 }, options.listener ?? knowsNothing);
  if (options.raw !== undefined) engine.removeAllListeners('connection').on('connection', options.raw);
  engine.listen(0, '127.0.0.1');
  await once(engine, 'listening');
  const enginePort = (engine.address() as AddressInfo).port;
  const connect = (): Socket => net.connect({ port: enginePort, host: '127.0.0.1', allowHalfOpen: true });
  const agent = new (class extends http.Agent {
    override createConnection(): Duplex {
      return connect();
    }
  })({ keepAlive: true });
  const asked: string[] = [];
  const container = literalContainer({ id: ID, name: 'web' });
  const { known = {} } = options;
  const cluster = literalCluster({
    ...known,
    leader: { ready: async () => undefined, ...known.leader },
    view: { refresh: async (host, what) => void asked.push(`sync ${host} ${wanted(what).join()}`), ...known.view },
    hosts: { list: () => [literalHost('h1')], ...known.hosts },
    containers: {
      list: () => [container],
      awaitCreate: async () => false,
      verdict: () => ({ kind: 'none' }),
      abandonCreate: async () => false,
      withdrawn: async (_container, act) => {
        asked.push('withdrawn');
        return await act();
      },
      release: async () => void asked.push('removed'),
      ...known.containers,
    },
    images: { builder: () => 'h1', ...known.images },
    engines: {
      endpoint: () => ({
        agent,
        async dial() {
          const socket = connect();
          await once(socket, 'connect');
          return socket;
        },
      }),
      ...known.engines,
    },
  });
  const endpoint = await startEndpoint({
    listen: [{ host: '127.0.0.1', port: 0 }],
    ...ENDPOINT_LIMITS,
    name: 's1',
    token: () => 'join-token',
    trouble: () => undefined,
    log: quietLog,
    operator: (_req, res) => res.end('operator\n'),
    acceptAgent: (_req, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nagent'),
    ...options.deps,
  });
  if (options.leads !== false) endpoint.lead(cluster);
  const port = endpoint.addresses[0]?.port ?? 0;
  return {
    endpoint,
    cluster,
    port,
    url: `http://127.0.0.1:${port}`,
    engine,
    asked,
    async [Symbol.asyncDispose]() {
      await endpoint[Symbol.asyncDispose]();
      agent.destroy();
      engine.closeAllConnections();
      engine.close();
    },
  };
}

/** Writes these bytes on a fresh connection and gives all that comes back until it is closed, or until `enough`. */
export async function talk(port: number, text: string, enough?: RegExp): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.write(text);
  let got = '';
  try {
    for await (const chunk of socket) {
      got += String(chunk);
      if (enough?.test(got) === true) break;
    }
  } catch (error) {
    // it closed with something unread: that is an end, too
    if (got === '') throw error;
  }
  socket.destroy();
  return got;
}
