/**
 * Effects: a listener for each published port of mode ingress, as Swarm mode has (moby libnetwork/service_linux.go, `plumbProxy`): no program of this host
 * takes the port later, and one that has it keeps it. What the kernel's rules do not lead on, calls of 127.0.0.1, is carried from here (TCP).
 */
import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import { splice } from '../../engine/splice.ts';
import { clusterUse, ingressKey, type IngressPort } from '../../model/ingress.ts';
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface Holders {
  /** Keys of those of them that are ours now; all others are given back. */
  readonly hold: (ports: readonly IngressPort[]) => Promise<ReadonlySet<string>>;
  /** Ports that others have, in sentences. */
  readonly trouble: () => readonly string[];
}

interface Held {
  port: IngressPort;
  readonly close: () => void;
}

const DIAL_MS = 3_000;

/** `apis`: TCP ports of agents and schedulers, as they are known now. */
export function createHolders(host: string, apis: () => readonly number[], log: Logger): Holders {
  const held = new Map<string, Held>();
  /** By key: why not. */
  const taken = new Map<string, string>();
  /** By key: what the cluster has it for. */
  let refused: ReadonlyMap<string, string> = new Map();

  async function carry(client: Socket, key: string): Promise<void> {
    client.on('error', () => client.destroy());
    const port = held.get(key)?.port;
    const { instances = [] } = port ?? {};
    const first = Math.floor(Math.random() * instances.length);
    for (const index of instances.keys()) {
      const one = instances[(first + index) % instances.length];
      if (one === undefined || port === undefined) break;
      const to = one.host === host ? { host: one.address, port: one.target } : { host: one.at, port: port.port };
      const upstream = await opened(to);
      if (upstream === undefined) continue;
      if (client.destroyed) upstream.destroy();
      else splice(client, upstream);
      return;
    }
    client.resetAndDestroy();
  }

  function take(key: string, port: IngressPort): Promise<void> {
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        held.delete(key);
        if (!taken.has(key)) log.warn({ port: key, why: error.code }, 'a published port is another program’s on this host');
        taken.set(key, error.code ?? error.message);
        resolve();
      };
      const done = (close: () => void): void => {
        if (taken.delete(key)) log.info({ port: key }, 'a published port is answered on this host now');
        held.set(key, { port, close });
        resolve();
      };
      if (port.protocol === 'udp') {
        const socket = createSocket('udp4');
        socket.once('error', failed).bind({ port: port.port, address: '0.0.0.0', exclusive: true }, () => {
          socket.unref();
          done(() => socket.close());
        });
      } else {
        const onClient = guarded(log, 'a caller of a published port', (client: Socket) => carry(client, key));
        const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, onClient);
        server.once('error', failed).listen({ port: port.port, host: '0.0.0.0', exclusive: true }, () => {
          server.unref();
          done(() => server.close());
        });
      }
    });
  }

  return {
    async hold(ports) {
      const own = apis();
      const uses = ports.map((port) => [ingressKey(port), clusterUse(port, own)] as const);
      refused = new Map(uses.flatMap(([key, use]) => (use === undefined ? [] : [[key, use] as const])));
      const wanted = new Map(ports.map((port) => [ingressKey(port), port] as const).filter(([key]) => !refused.has(key)));
      for (const [key, { close }] of held) {
        if (wanted.has(key)) continue;
        held.delete(key);
        close();
      }
      for (const key of taken.keys()) if (!wanted.has(key)) taken.delete(key);
      for (const [key, port] of wanted) {
        const one = held.get(key);
        if (one === undefined) await take(key, port);
        else one.port = port;
      }
      return new Set(held.keys());
    },
    trouble: () => [
      ...[...refused].map(([key, use]) => `the published port ${key} is not answered: ${use}`),
      ...[...taken].map(([key, why]) => `the published port ${key} is not answered on this host: another program has it (${why})`),
    ],
  };
}

function opened(to: { readonly host: string; readonly port: number }): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
    const failed = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setTimeout(DIAL_MS, failed);
    socket.once('error', failed).once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', failed).on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}
