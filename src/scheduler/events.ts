/** The Engines' events as one feed, as clients shall see them. */
import { type ClusterEvent, createEchoes, type EngineEvent, shownEvent } from '../model/index.ts';

const REPLAY_EVENTS = 2_000;
const REMEMBERED = 4_096;
const HIDDEN_MS = 30_000;

export interface Feed {
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
  /** What the Engine says of this volume in the next moments tells nothing new: it stays unseen. */
  readonly hideVolume: (action: 'create' | 'destroy', name: string) => void;
  readonly listen: (listener: (event: ClusterEvent) => void, signal: AbortSignal) => void;
  /** The newest, oldest first. */
  readonly recent: () => readonly ClusterEvent[];
}

interface SeenNetwork {
  readonly id: string;
  /** Absent: as the Engine calls it. */
  readonly name?: string;
}

export interface FeedDeps {
  readonly now: () => number;
  /** Id and name, as clients see them, of the cluster's network whose part on this host an Engine's network is. */
  readonly networkOf: (host: string, engineId: string) => SeenNetwork | undefined;
}

export function createFeed(deps: FeedDeps): Feed {
  const listeners = new Set<(event: ClusterEvent) => void>();
  const recent: ClusterEvent[] = [];
  // A network's destroy event comes when the view has forgotten it.
  const networks = new Map<string, SeenNetwork>();
  const hidden = new Map<string, number>();
  const isEcho = createEchoes();

  function emit(event: ClusterEvent): void {
    recent.push(event);
    if (recent.length > REPLAY_EVENTS * 1.25) recent.splice(0, recent.length - REPLAY_EVENTS);
    for (const listener of listeners) listener(event);
  }

  function emitOwn(Type: string, Action: string, ID: string, Attributes: Readonly<Record<string, string>>, scope: string): void {
    const nowMs = deps.now();
    emit({ host: '', event: { Type, Action, Actor: { ID, Attributes }, scope, time: Math.floor(nowMs / 1000), timeNano: nowMs * 1e6 } });
  }

  function ourNetwork(host: string, engineId: string): SeenNetwork | undefined {
    const known = deps.networkOf(host, engineId);
    if (known === undefined) return networks.get(engineId);
    networks.set(engineId, known);
    const [oldest] = networks.keys();
    if (networks.size > REMEMBERED && oldest !== undefined) networks.delete(oldest);
    return known;
  }

  return {
    take(host, event) {
      const cluster = event.Type === 'network' ? ourNetwork(host, event.Actor.ID) : undefined;
      if (cluster !== undefined && (event.Action === 'create' || event.Action === 'destroy')) return;
      if (event.Type === 'volume' && (hidden.get(`${event.Action}/${event.Actor.ID}`) ?? 0) > deps.now()) return;
      if (!isEcho(host, event)) emit({ host, event: shownEvent(host, event, cluster) });
    },
    own: (type, action, id, attributes) => emitOwn(type, action, id, attributes, 'local'),
    node: (host, attributes) => emitOwn('node', 'update', host, { name: host, ...attributes }, 'swarm'),
    hideVolume(action, name) {
      hidden.set(`${action}/${name}`, deps.now() + HIDDEN_MS);
      for (const [key, until] of hidden) if (until <= deps.now()) hidden.delete(key);
    },
    listen(listener, signal) {
      if (signal.aborted) return;
      listeners.add(listener);
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
    },
    recent: () => recent.slice(-REPLAY_EVENTS),
  };
}
