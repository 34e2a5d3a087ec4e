/** Effects: a listener for each published port, at one address; what calls is joined with a tunnel to the port. */
import { createServer, type Server, type Socket } from 'node:net';
import { splice } from '../engine/index.ts';
import type { ContainerView } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { published, type Target } from './plan.ts';
import { guarded } from '../telemetry/faults.ts';
import { proxyLine } from '../text/proxy-line.ts';

const RETRY_MS = 1_000;

export interface PublishingDeps {
  /** Where to listen. */
  readonly address: string;
  readonly containers: () => readonly ContainerView[];
  /** A connection to a port of that host. */
  readonly open: (target: Target, signal: AbortSignal) => Promise<Socket>;
  /** Called after the view changed. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
  readonly log: Logger;
}

export interface Publishing {
  /** Resolves once every port that is published now is listened on, or cannot be. */
  readonly settled: () => Promise<void>;
}

interface Port {
  readonly server: Server;
  /** Resolves with whether it could be listened on. */
  readonly listening: Promise<boolean>;
  targets: readonly Target[];
  turn: number;
}

/** Until the signal aborts. A port that somebody else has here is left to them, and tried again. */
export function startPublishing({ address, containers, open, onChange, log }: PublishingDeps, lost: AbortSignal): Publishing {
  const ports = new Map<number, Port>();
  const clients = new Set<Socket>();
  const taken = new Set<number>();
  let seen: readonly ContainerView[] | undefined;

  async function carry(client: Socket, port: Port): Promise<void> {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    client.once('close', leave).on('error', () => client.destroy());
    clients.add(client.once('close', () => clients.delete(client)));
    const first = port.turn++;
    for (const index of port.targets.keys()) {
      const target = port.targets[(first + index) % port.targets.length];
      if (target === undefined || gone.signal.aborted) break;
      try {
        const upstream = await open(target, gone.signal);
        client.off('close', leave);
        if (client.destroyed) upstream.destroy();
        else {
          if (target.isProxied === true) upstream.write(proxyLine(client));
          splice(client, upstream);
        }
        return;
      } catch (error) {
        log.debug({ ...target, err: error }, 'a published port does not answer');
      }
    }
    client.resetAndDestroy();
  }

  function listen(number: number, targets: readonly Target[]): Port {
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true },
      guarded(log, 'a client of a published port', (client: Socket) => carry(client, port)),
    );
    const listening = new Promise<boolean>((resolve) => {
      server.once('listening', () => {
        if (taken.delete(number)) log.info({ address, port: number }, 'a published port is answered here now');
        resolve(true);
      });
      server.once('error', (error: NodeJS.ErrnoException) => {
        ports.delete(number);
        if (!taken.has(number)) log.warn({ address, port: number, why: error.code }, 'a published port cannot be answered here');
        taken.add(number);
        resolve(false);
      });
    });
    const port: Port = { server, listening, targets, turn: 0 };
    server.listen(number, address);
    return port;
  }

  function apply(): void {
    const now = containers();
    if (now === seen && taken.size === 0) return;
    seen = now;
    const wanted = published(now);
    for (const [number, { server }] of ports) {
      if (wanted.has(number)) continue;
      server.close();
      ports.delete(number);
    }
    for (const number of taken) if (!wanted.has(number)) taken.delete(number);
    for (const [number, targets] of wanted) {
      const port = ports.get(number);
      if (port === undefined) ports.set(number, listen(number, targets));
      else port.targets = targets;
    }
  }

  onChange(apply, lost);
  apply();
  // There is no event when another process releases the port.
  const again = setInterval(
    guarded(log, 'published ports', () => taken.size > 0 && apply()),
    RETRY_MS,
  ).unref();
  lost.addEventListener('abort', () => {
    clearInterval(again);
    for (const { server } of ports.values()) server.close();
    for (const client of clients) client.destroy();
  });
  return {
    async settled() {
      if (lost.aborted) return;
      apply();
      await Promise.all([...ports.values()].map(({ listening }) => listening));
    },
  };
}
