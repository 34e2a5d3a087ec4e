/**
 * Effects: reads the Engine's containers, images and volumes, and sends each change to the leader: the new facts first, then the event that
 * caused them. Keeps a copy, so that a new leader gets its snapshot at once.
 */
import { LRUCache } from 'lru-cache';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineEvents } from '../../engine/events.ts';
import type { EngineTarget } from '../../engine/request.ts';
import type { EngineEvent, ImageSummary, VolumeSummary } from '../../model/docker.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { ContainerFacts, UnreadableContainer } from '../../model/facts.ts';
import type { AgentCall, AgentMessage } from '../../model/wire.ts';
import type { Logger } from '../../telemetry/log.ts';
import { isUrgent, queueOf, readsFor, refreshFor, touchedNetwork } from './inventory-plan.ts';

import type { NetworkTouch } from '../overlay/plan.ts';
import { withoutSlash } from '../../text/names.ts';
import { createBatchQueue } from '../../async/batch-queue.ts';
import { reportFault } from '../../telemetry/faults.ts';
import { type ContainersRead, createEngineReader } from './engine-reader.ts';

export interface InventoryDeps {
  readonly engine: EngineTarget;
  readonly log: Logger;
  /** Takes the changes in order. The snapshot is not sent: `onAlive` says that there is one. */
  readonly emit: (message: AgentMessage) => void;
}

export interface InventoryListeners {
  /** The Engine answers (again) and has been read whole. */
  readonly onAlive: () => void;
  readonly onLost: (reason: string) => void;
  /** Somebody made or removed an Engine network, perhaps this agent. */
  readonly onNetworkTouched: (touch: NetworkTouch) => void;
}

export interface InventoryCopy {
  readonly containers: readonly ContainerFacts[];
  readonly images: readonly ImageSummary[];
  readonly volumes: readonly VolumeSummary[];
}

export interface Inventory {
  /** Undefined while the Engine is unreachable. */
  current(): InventoryCopy | undefined;
  /** Containers that are left out because they cannot be read. */
  unreadable(): readonly UnreadableContainer[];
  /** Ids of the running containers; empty while the Engine is unreachable. */
  readonly running: () => readonly string[];
  /** Reads these again; resolves when the changes have been emitted. Throws `unavailable` while the Engine is unreachable. */
  sync(request: Extract<AgentCall, { method: 'sync' }>): Promise<void>;
  /** Names of the containers that run on this Engine network. Throws `unavailable` while the Engine is unreachable. */
  readonly usersOf: (network: { readonly engineId: string; readonly name: string }) => readonly string[];
  /** Process ids of these. Throws as `usersOf` does. */
  readonly pidsOf: (network: { readonly engineId: string; readonly name: string }) => readonly number[];
  /** Follows the Engine's events until the signal aborts; reads everything again after each loss. Never rejects. */
  follow(listeners: InventoryListeners): Promise<void>;
}

interface Item {
  readonly event?: EngineEvent;
  readonly ask?: readonly string[];
  readonly settle?: (error?: unknown) => void;
}

/**
 * One command causes several events, and the leader's `sync` follows it: this wait makes them one read. Events that take a name out of DNS
 * do not wait (`isUrgent`).
 */
const EVENTS_MS = 25;
const IMAGE_EVENTS_MS = 50;
const DESTROYED_KEPT = 1_000;
const NOTHING_READ: ContainersRead = { facts: [], unreadable: [] };
const RETRY_MS = 500;

export function createInventory(deps: InventoryDeps, signal: AbortSignal): Inventory {
  const { engine, log, emit } = deps;
  const containers = new Map<string, ContainerFacts>();
  let images: readonly ImageSummary[] = [];
  let volumes: readonly VolumeSummary[] = [];
  let isAlive = false;
  let missedCheck: Promise<void> | undefined;
  /** Ids of the containers destroyed last: they need not be read. */
  const destroyed = new LRUCache<string, true>({ max: DESTROYED_KEPT });

  const reader = createEngineReader(engine, signal);
  /** Set aside: a container that its Engine describes wrongly, or not at all, must not hide the others. By id. */
  let unreadable: ReadonlyMap<string, UnreadableContainer> = new Map();

  /** Facts of these containers, or of all; those that cannot be read are noted and left out. */
  const readContainers = async (ids?: readonly string[]): Promise<ContainersRead> => {
    const found = await reader.containers(ids);
    const read = new Set(ids ?? unreadable.keys());
    const kept = [...unreadable].filter(([id]) => !read.has(id));
    for (const container of found.unreadable)
      if (!unreadable.has(container.id)) log.error({ ...container }, 'cannot read a container from the Docker Engine; it is left out');
    unreadable = new Map([...kept, ...found.unreadable.map((container) => [container.id, container] as const)]);
    return found;
  };

  const refreshContainers = async (read: readonly string[], forget: readonly string[]): Promise<void> => {
    for (const id of forget) destroyed.set(id, true);
    unreadable = new Map([...unreadable].filter(([id]) => !forget.includes(id)));
    const present = read.filter((id) => !destroyed.has(id));
    const { facts: upserts, unreadable: skipped } = present.length === 0 ? NOTHING_READ : await readContainers(present);
    const found = new Set([...upserts.map(({ summary }) => summary.Id), ...skipped.map(({ id }) => id)]);
    const removes = [...forget, ...present.filter((id) => !found.has(id))].filter((id) => containers.delete(id));
    for (const facts of upserts) containers.set(facts.summary.Id, facts);
    if (upserts.length + removes.length > 0) emit({ type: 'containers', upserts, removes });
  };

  /** Lists may overlap: an answer requested before the one emitted last is stale, and is dropped. */
  const latest = <T>(list: () => Promise<T>, publish: (listed: T) => void) => {
    let lastRequest = 0;
    let lastEmitted = 0;
    return {
      skipRequested() {
        lastEmitted = lastRequest;
      },
      async refresh() {
        const request = ++lastRequest;
        const listed = await list();
        if (request <= lastEmitted) return;
        lastEmitted = request;
        publish(listed);
      },
    };
  };
  const imageList = latest(reader.images, (listed) => emit({ type: 'images', images: (images = listed) }));
  const volumeList = latest(reader.volumes, (listed) => emit({ type: 'volumes', volumes: (volumes = listed) }));

  /** What a queue does with a batch: read, then emit the events, then settle the requests. The event feed reports an Engine that is unreachable. */
  const work = (read: (batch: readonly Item[]) => Promise<void>) => async (batch: readonly Item[]) => {
    let failure: unknown;
    try {
      await read(batch);
    } catch (error) {
      failure = error;
      if (!signal.aborted) log.debug({ err: error }, 'cannot read what changed on the Engine');
    }
    for (const { event, settle } of batch) {
      if (event !== undefined) emit({ type: 'event', event });
      settle?.(failure);
    }
  };
  const needsList = (batch: readonly Item[]): boolean => batch.some(({ event }) => event === undefined || refreshFor(event).do === 'list');
  const failed = (error: unknown): void => reportFault(log, 'reading what changed on the Engine', error);
  const queues = {
    containers: createBatchQueue(
      work(async (batch) => {
        const events = batch.flatMap(({ event }) => event ?? []);
        const { read, forget } = readsFor(
          events,
          batch.flatMap(({ ask }) => ask ?? []),
        );
        await refreshContainers(read, forget);
      }),
      failed,
      EVENTS_MS,
      ({ ask, event }) => ask !== undefined || (event !== undefined && isUrgent(event)),
    ),
    images: createBatchQueue(
      work(async (batch) => (needsList(batch) ? imageList.refresh() : undefined)),
      failed,
      IMAGE_EVENTS_MS,
    ),
    volumes: createBatchQueue(
      work(async (batch) => (needsList(batch) ? volumeList.refresh() : undefined)),
      failed,
    ),
  };

  const readSnapshot = async (): Promise<void> => {
    const [all, freshImages, freshVolumes] = await Promise.all([readContainers(), reader.images(), reader.volumes()]);
    imageList.skipRequested();
    volumeList.skipRequested();
    containers.clear();
    for (const facts of all.facts) containers.set(facts.summary.Id, facts);
    images = freshImages;
    volumes = freshVolumes;
    isAlive = true;
  };

  /** Until it works or the agent stops: a half-read Engine would look like one whose containers are gone. */
  const readAll = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        return await readSnapshot();
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error }, 'cannot read the Docker Engine; trying again');
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  };

  const lose = (reason: string): void => {
    isAlive = false;
    for (const queue of Object.values(queues)) {
      for (const { settle } of queue.clear()) settle?.(new ArpanetError('unavailable', `the Docker Engine is unreachable: ${reason}`));
    }
  };

  const follow = async (listeners: InventoryListeners): Promise<void> => {
    for await (const item of engineEvents({ target: engine, signal })) {
      if (item.kind === 'lost') {
        lose(item.reason);
        listeners.onLost(item.reason);
      } else if (item.kind === 'connected') {
        await readAll();
        if (isAlive) listeners.onAlive();
      } else if (item.kind === 'malformed') {
        log.warn({ reason: item.reason }, 'the Docker Engine sent a malformed event');
        checkForMissed();
      } else {
        const touched = touchedNetwork(item.event);
        if (touched !== undefined) listeners.onNetworkTouched(touched);
        queues[queueOf(item.event)].add({ event: item.event });
      }
    }
  };

  const askContainers = (ask: readonly string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      queues.containers.add({ ask, settle: (error) => (error === undefined ? resolve() : reject(error)) });
    });

  /** Those that are on the Engine and not in our copy, or the other way round. */
  const askNewcomers = async (): Promise<void> => {
    const present = new Set(await reader.containerIds());
    const ids = [...present].filter((id) => !containers.has(id)).concat([...containers.keys()].filter((id) => !present.has(id)));
    if (ids.length > 0) await askContainers(ids);
  };

  /** After an event that could not be read: which containers there are now. */
  const checkForMissed = (): void => {
    if (missedCheck !== undefined) return;
    missedCheck = askNewcomers()
      .catch((err: unknown) => log.debug({ err }, 'cannot read what changed on the Engine'))
      .finally(() => (missedCheck = undefined));
  };

  const usersOf = ({ engineId, name }: { readonly engineId: string; readonly name: string }): readonly ContainerFacts[] => {
    if (!isAlive) throw unreachable();
    const uses = ({ inspect }: ContainerFacts): boolean =>
      (inspect.State.Running || inspect.State.Paused || inspect.State.Restarting) &&
      Object.entries(inspect.NetworkSettings.Networks ?? {}).some(([key, { NetworkID }]) =>
        NetworkID ? NetworkID === engineId : key === name || key === engineId,
      );
    return [...containers.values()].filter(uses);
  };

  return {
    unreadable: () => [...unreadable.values()],
    current: () => (isAlive ? { containers: [...containers.values()], images, volumes } : undefined),
    running: () => (isAlive ? [...containers.values()].flatMap(({ inspect: found }) => (found.State.Running ? [found.Id] : [])) : []),
    async sync(request) {
      if (!isAlive) throw unreachable();
      await Promise.all([
        // an empty list reads nothing, but what is queued is emitted before this resolves
        request.containers && askContainers(request.containers),
        request.newcomers && askNewcomers(),
        request.images && imageList.refresh(),
        request.volumes && volumeList.refresh(),
      ]);
    },
    usersOf: (network) => usersOf(network).map(({ inspect }) => withoutSlash(inspect.Name)),
    pidsOf: (network) =>
      usersOf(network).flatMap(({ inspect }) =>
        typeof inspect.State['Pid'] === 'number' && inspect.State['Pid'] > 0 ? inspect.State['Pid'] : [],
      ),
    follow,
  };
}

const unreachable = (): ArpanetError => new ArpanetError('unavailable', 'the Docker Engine of this host is unreachable');
