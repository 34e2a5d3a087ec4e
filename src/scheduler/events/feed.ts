/** The Engines' events as one feed, as clients shall see them. */
import type * as contracts from '../../contracts/index.ts';
import { type ClusterEvent, type EngineEvent, serviceName } from '../../model/index.ts';
import { ids } from '../../text/swarm-ids.ts';
import { createEventDedup, eventIdentity, shownEvent } from '../../engine/index.ts';
import { LRUCache } from 'lru-cache';
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

const REPLAY_EVENTS = 2_000;
const REMEMBERED = 4_096;
const HIDDEN_MS = 30_000;

export interface Feed extends contracts.EventFeed {
  /** An Engine's event, as its agent sent it. */
  readonly take: (host: string, event: EngineEvent) => void;
  /** An event of the cluster's own: a network or volume was made or removed. */
  readonly own: (
    type: 'network' | 'volume',
    action: 'create' | 'destroy',
    id: string,
    attributes: Readonly<Record<string, string>>,
  ) => void;
  /** What became of a host, in the words of `docker node`'s events. */
  readonly node: (host: string, attributes: Readonly<Record<string, string>>) => void;
  /** The next event of this kind that an Engine sends for this volume, within moments, is a duplicate: it stays unseen. */
  readonly hideVolume: (action: 'create' | 'destroy', name: string) => void;
}

interface SeenNetwork {
  readonly id: string;
  /** Absent: as the Engine calls it. */
  readonly name?: string;
}

export interface FeedDeps {
  readonly now: () => number;
  readonly log: Logger;
  /** Id and name, as clients see them, of the cluster's network whose part on this host an Engine's network is. */
  readonly networkOf: (host: string, engineId: string) => SeenNetwork | undefined;
  /** The same by its name: while a host builds it, nothing else is known. */
  readonly networkNamed: (name: string) => SeenNetwork | undefined;
}

export function createFeed(deps: FeedDeps): Feed {
  const listeners = new Set<(event: ClusterEvent) => void>();
  const recent: ClusterEvent[] = [];
  // A network's destroy event comes when the view has forgotten it.
  const networks = new LRUCache<string, SeenNetwork>({ max: REMEMBERED });
  /** Events that are still to come and shall not be seen, and those that were not. */
  const awaited = new Map<string, { count: number; untilMs: number }>();
  const unseen = new LRUCache<string, true>({ max: REMEMBERED });
  const isEcho = createEventDedup();

  function emit(event: ClusterEvent): void {
    recent.push(event);
    if (recent.length > REPLAY_EVENTS * 1.25) recent.splice(0, recent.length - REPLAY_EVENTS);
    for (const listener of listeners) listener(event);
  }

  function emitOwn(Type: string, Action: string, ID: string, Attributes: Readonly<Record<string, string>>, scope: string): void {
    const nowMs = deps.now();
    emit({ host: '', event: { Type, Action, Actor: { ID, Attributes }, scope, time: Math.floor(nowMs / 1000), timeNano: nowMs * 1e6 } });
  }

  function networkOf(host: string, { Type, Actor: { ID: engineId, Attributes } }: EngineEvent): SeenNetwork | undefined {
    if (Type !== 'network') return undefined;
    const known = deps.networkOf(host, engineId) ?? networks.get(engineId) ?? deps.networkNamed(Attributes['name'] ?? '');
    if (known === undefined) return undefined;
    networks.set(engineId, known);
    return known;
  }

  function awaitedAs({ Type, Action, Actor }: EngineEvent): { count: number } | undefined {
    const one = Type === 'volume' ? awaited.get(`${Action}/${Actor.ID}`) : undefined;
    return one !== undefined && one.count > 0 && one.untilMs > deps.now() ? one : undefined;
  }

  function shown(host: string, event: EngineEvent): EngineEvent | undefined {
    const network = networkOf(host, event);
    if (network !== undefined && (event.Action === 'create' || event.Action === 'destroy')) return undefined;
    return awaitedAs(event) !== undefined || unseen.has(eventIdentity(host, event)) ? undefined : shownEvent(host, event, network);
  }

  return {
    take(host, event) {
      const seen = shown(host, event);
      const hidden = awaitedAs(event);
      if (hidden !== undefined) {
        hidden.count -= 1;
        unseen.set(eventIdentity(host, event), true);
      }
      if (seen !== undefined && !isEcho(host, event)) emit({ host, event: seen });
    },
    shown,
    own: (type, action, id, attributes) => emitOwn(type, action, id, attributes, 'local'),
    node: (host, attributes) => emitOwn('node', 'update', host, { name: host, ...attributes }, 'swarm'),
    service(service, attributes) {
      const id = ids.service(service.deployment, service.service);
      emitOwn('service', 'update', id, { name: serviceName(service), ...attributes }, 'swarm');
    },
    hideVolume(action, name) {
      for (const [key, { untilMs }] of awaited) if (untilMs <= deps.now()) awaited.delete(key);
      const key = `${action}/${name}`;
      awaited.set(key, { count: (awaited.get(key)?.count ?? 0) + 1, untilMs: deps.now() + HIDDEN_MS });
    },
    listen(listener, signal) {
      if (signal.aborted) return;
      // One that throws must not keep the event from the others.
      const own = guarded(deps.log, 'a listener for events', listener);
      listeners.add(own);
      signal.addEventListener('abort', () => listeners.delete(own), { once: true });
    },
    recent: () => recent.slice(-REPLAY_EVENTS),
  };
}
