/**
 * A leader for tests of the host agent: accepts its stream, uses model/wire.ts, records the messages. It places nothing and stores
 * nothing; what it is asked beyond that answers with its own name.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { lines } from '../../../src/engine/index.ts';
import { ArpanetError, type ErrorKind } from '../../../src/model/errors.ts';
import type { EngineSnapshot, HostFacts } from '../../../src/model/facts.ts';
import type { AgentCall, AgentMessage, LeaderMessage } from '../../../src/model/wire.ts';
import { promisedMs } from '../promised.ts';

export interface JoinedHost {
  readonly facts: HostFacts;
  /** All messages on the current connection, in order. */
  readonly said: readonly AgentMessage[];
  readonly snapshot: EngineSnapshot | undefined;
  call(request: AgentCall): Promise<unknown>;
  push(message: LeaderMessage): void;
  hangUp(): void;
}

export interface FakeLeader extends AsyncDisposable {
  readonly url: string;
  epoch: number;
  answersBeats: boolean;
  /** Set to refuse every host with this reason. */
  refusal: string | undefined;
  /** The host's stream once `when` holds; fails after the bound (30 s), which grows with the load. */
  host(name: string, when?: (host: JoinedHost) => boolean, withinMs?: number): Promise<JoinedHost>;
  /** How many hellos hosts have sent. */
  hellos(name: string): number;
}

export async function startFakeLeader(token: string, address = '127.0.0.1'): Promise<FakeLeader> {
  const hosts = new Map<string, JoinedHost>();
  const hellos = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server = http.createServer((_request, response) => response.writeHead(501).end('fake-leader: only the agent stream is here\n'));
  server.on('upgrade', (request, socket: Socket, head) => {
    if (request.url !== '/arpanet/v1/agent' || request.headers.upgrade !== 'arpanet') throw new Error(`fake-leader: no ${request.url}`);
    socket.on('error', () => socket.destroy());
    if (request.headers.authorization !== `Bearer ${token}`) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 30\r\n\r\n{"message":"wrong join token"}');
      return;
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: arpanet\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    sockets.add(socket);
    void listen(socket).catch(() => undefined);
  });

  const listen = async (socket: Socket): Promise<void> => {
    const said: AgentMessage[] = [];
    const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
    const push = (message: LeaderMessage): void => void socket.write(`${JSON.stringify(message)}\n`);
    let calls = 0;
    try {
      for await (const line of lines(socket)) {
        const message = JSON.parse(line) as AgentMessage;
        if (message.type === 'beat') {
          if (leader.answersBeats) push({ type: 'beat' });
          if (said.at(-1)?.type !== 'beat') said.push(message);
          continue;
        }
        said.push(message);
        if (message.type === 'hello') {
          hellos.set(message.facts.name, (hellos.get(message.facts.name) ?? 0) + 1);
          if (leader.refusal !== undefined) push({ type: 'refused', why: leader.refusal });
          else push({ type: 'welcome', epoch: leader.epoch, leader: 'fake', clusterId: 'test' });
          hosts.set(message.facts.name, {
            facts: message.facts,
            said,
            get snapshot() {
              return said.flatMap((one) => (one.type === 'snapshot' ? [one.snapshot] : [])).at(-1);
            },
            push,
            hangUp: () => socket.destroy(),
            call: (request) =>
              new Promise((resolve, reject) => {
                waiting.set(++calls, { resolve, reject });
                push({ type: 'call', call: calls, request });
              }),
          });
        }
        if (message.type === 'done') {
          const { error } = message;
          if (error === undefined) waiting.get(message.call)?.resolve(message.result);
          else {
            const status = error.engineStatus === undefined ? {} : { engineStatus: error.engineStatus };
            waiting.get(message.call)?.reject(new ArpanetError(error.kind as ErrorKind, error.message, status));
          }
        }
      }
    } finally {
      sockets.delete(socket);
      for (const one of waiting.values()) one.reject(new Error('fake-leader: the agent hung up'));
    }
  };

  server.listen(0, address);
  await once(server, 'listening');
  const leader: FakeLeader = {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    epoch: 1,
    answersBeats: true,
    refusal: undefined,
    hellos: (name) => hellos.get(name) ?? 0,
    async host(name, when = () => true, withinMs = 30_000) {
      const startedMs = Date.now();
      do {
        const host = hosts.get(name);
        if (host !== undefined && when(host)) return host;
        await new Promise((wake) => setTimeout(wake, 20));
      } while (Date.now() - startedMs < promisedMs(withinMs));
      throw new Error(`fake-leader: ${name} is not as awaited; it said ${JSON.stringify(hosts.get(name)?.said.map(({ type }) => type))}`);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
  return leader;
}
