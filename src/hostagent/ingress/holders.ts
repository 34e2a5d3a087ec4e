/**
 * Effects: a listener for each published port of mode ingress, as Swarm mode has (moby libnetwork/service_linux.go, `plumbProxy`): no program of this host
 * takes the port later, and one that has it keeps it. What the kernel's rules do not lead on is carried from here (TCP): calls of 127.0.0.1, and of IPv6 addresses
 * where no instance has one, and all calls of a port whose instances want the caller's address (PROXY protocol).
 */
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { clusterUse, ingressKey, type IngressPort } from '../../model/ingress.ts';
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { carryCall } from './carry.ts';
import type { Family } from './rules.ts';

export interface Holders {
  /** Takes these, as far as nobody has them; all others are given back. */
  readonly hold: (ports: readonly IngressPort[]) => Promise<void>;
  /** Whether it is ours now, at the host's addresses of this family. */
  readonly isHeld: (port: IngressPort, family: Family) => boolean;
  /** Ports that others have, in sentences. */
  readonly trouble: () => readonly string[];
}

interface Held {
  port: IngressPort;
  readonly close: () => void;
}

/** `apis`: TCP ports of agents and schedulers, as they are known now. */
export function createHolders(host: string, apis: () => readonly number[], log: Logger): Holders {
  /** By place, `tcp/8080` at an address. */
  const held = new Map<string, Held>();
  /** By place: why not. */
  const taken = new Map<string, string>();
  /** By key: what the cluster has it for. */
  let refused: ReadonlyMap<string, string> = new Map();

  async function carry(client: Socket, place: string): Promise<void> {
    client.on('error', () => client.destroy());
    const port = held.get(place)?.port;
    if (port === undefined) client.resetAndDestroy();
    else await carryCall(client, port, host);
  }

  function take(place: string, { port, at }: Place): Promise<void> {
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        held.delete(place);
        // a host without IPv6 has no such address
        if (at === ANY6 && error.code !== 'EADDRINUSE') return resolve();
        if (!taken.has(place)) log.warn({ port: place, why: error.code }, 'a published port is another program’s on this host');
        taken.set(place, error.code ?? error.message);
        resolve();
      };
      const done = (close: () => void): void => {
        if (taken.delete(place)) log.info({ port: place }, 'a published port is answered on this host now');
        held.set(place, { port, close });
        resolve();
      };
      if (port.protocol === 'udp') {
        const socket = createSocket({ type: at === ANY6 ? 'udp6' : 'udp4', ipv6Only: at === ANY6 });
        socket.once('error', failed).bind({ port: port.port, address: at, exclusive: true }, () => {
          socket.unref();
          done(() => socket.close());
        });
      } else {
        const onClient = guarded(log, 'a caller of a published port', (client: Socket) => carry(client, place));
        const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, onClient);
        server.once('error', failed).listen({ port: port.port, host: at, ipv6Only: at === ANY6, exclusive: true }, () => {
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
      const wanted = new Map(ports.filter((port) => !refused.has(ingressKey(port))).flatMap(placesOf));
      for (const [place, { close }] of held) {
        if (wanted.has(place)) continue;
        held.delete(place);
        close();
      }
      for (const place of taken.keys()) if (!wanted.has(place)) taken.delete(place);
      for (const [place, one] of wanted) {
        const ours = held.get(place);
        if (ours === undefined) await take(place, one);
        else ours.port = one.port;
      }
    },
    isHeld: (port, family) => held.has(placeOf(port, family === 4 ? ANY4 : ANY6)),
    trouble: () => [
      ...[...refused].map(([key, use]) => `the published port ${key} is not answered: ${use}`),
      ...[...taken].flatMap(([place, why]) => {
        const [key = '', at] = place.split(' ');
        // who has it at both says so once
        if (at === ANY6 && taken.has(`${key} ${ANY4}`)) return [];
        return [
          `the published port ${key} is not answered on this host${at === ANY6 ? ' at IPv6 addresses' : ''}: another program has it (${why})`,
        ];
      }),
    ],
  };
}

interface Place {
  readonly port: IngressPort;
  readonly at: string;
}

const ANY4 = '0.0.0.0';
const ANY6 = '::';
const placeOf = (port: IngressPort, at: string): string => `${ingressKey(port)} ${at}`;

/** A packet of UDP by IPv6 that nothing leads on is refused by the kernel: only where an instance has such an address is its port held. */
function placesOf(port: IngressPort): readonly (readonly [string, Place])[] {
  const isOn6 = port.protocol === 'tcp' || port.instances.some(({ address6 }) => address6 !== undefined);
  return [ANY4, ...(isOn6 ? [ANY6] : [])].map((at) => [placeOf(port, at), { port, at }]);
}
