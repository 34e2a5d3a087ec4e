/** Read-your-writes: asks agents to read again, and knows what is still being read. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RefreshRequest } from '../../contracts/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Hub } from './hub.ts';

const SYNC_TIMEOUT_MS = 2_000;
/** A host that is alive and only busy is asked again: a client that was answered must find what it did. */
const MOST_TRIES = 5;
const TRY_AGAIN_MS = 100;

export interface Syncs {
  /** Resolves when the view shows what the host's Engine says now. Never rejects; stops waiting after 2 s, of a host that is alive after 10 s. */
  readonly sync: (host: string, what: RefreshRequest) => Promise<void>;
  /** Undefined: nothing is under way for this container, or at all. */
  readonly settled: (container?: string) => Promise<void> | undefined;
}

interface Running {
  readonly containers: Set<string>;
  newcomers: boolean;
  images: boolean;
  volumes: boolean;
  readonly done: Promise<void>;
}

export function createSyncs(hub: Pick<Hub, 'call'>, isAlive: (host: string) => boolean, log: Logger): Syncs {
  const running = new Set<Running>();
  /** Of each host: what is asked together, at the end of this turn. */
  const next = new Map<string, Running>();

  async function run(host: string, what: RefreshRequest): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await hub.call(host, { method: 'sync', ...what }, SYNC_TIMEOUT_MS);
        return;
      } catch (error) {
        if (tries === MOST_TRIES || !isAlive(host)) {
          log.warn({ host, err: error }, 'a refresh did not finish; lists may be outdated until the next one');
          return;
        }
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  function begin(host: string): Running {
    const done = new Promise<void>((resolve) => {
      setImmediate(() => {
        next.delete(host);
        const { containers, newcomers, images, volumes } = one;
        const asked = run(host, {
          containers: [...containers],
          ...(newcomers && { newcomers }),
          ...(images && { images }),
          ...(volumes && { volumes }),
        });
        const ended = asked.finally(() => {
          running.delete(one);
          resolve();
        });
        inBackground(log, 'a refresh', ended);
      });
    });
    const one: Running = { containers: new Set(), newcomers: false, images: false, volumes: false, done };
    running.add(one);
    next.set(host, one);
    return one;
  }

  return {
    sync(host, { containers = [], newcomers = false, images = false, volumes = false }) {
      const one = next.get(host) ?? begin(host);
      for (const id of containers) one.containers.add(id);
      one.newcomers ||= newcomers;
      one.images ||= images;
      one.volumes ||= volumes;
      return one.done;
    },
    settled(container) {
      if (running.size === 0) return undefined;
      const those = [...running].flatMap(({ done, containers }) => (container === undefined || containers.has(container) ? [done] : []));
      if (those.length === 0) return undefined;
      return Promise.all(those).then(() => undefined);
    },
  };
}
