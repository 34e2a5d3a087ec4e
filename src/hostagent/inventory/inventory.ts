/**
 * Effects: the Engine's containers, images and volumes as they are now, and their changes as messages for the leader: facts first, then
 * the event that made them. Keeps a copy, so that a new leader gets its snapshot at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { engineEvents } from '../../engine/events.ts';
import { type EngineTarget, engineError, engineJson, engineRequest } from '../../engine/request.ts';
import type { ContainerInspect, ContainerSummary, EngineEvent, ImageSummary, VolumeSummary } from '../../model/docker.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { ContainerFacts } from '../../model/facts.ts';
import type { AgentCall, AgentMessage } from '../../model/wire.ts';
import type { Logger } from '../../telemetry/log.ts';
import { laneOf, readsFor, refreshFor, touchesNetworks } from './inventory-plan.ts';
import { createLane, mapBounded } from '../batch-queue.ts';

export interface InventoryDeps {
  readonly engine: EngineTarget;
  readonly log: Logger;
  /** Takes messages in order; `snapshot` is said by `onAlive` instead. */
  readonly emit: (message: AgentMessage) => void;
  /** The Engine is (again) there and its snapshot read. */
  readonly onAlive: () => void;
  readonly onLost: (why: string) => void;
  readonly onNetworksTouched: () => void;
}

export interface InventoryCopy {
  readonly containers: readonly ContainerFacts[];
  readonly images: readonly ImageSummary[];
  readonly volumes: readonly VolumeSummary[];
}

export interface Inventory {
  /** Undefined while the Engine is away. */
  current(): InventoryCopy | undefined;
  /** Reads these anew; resolves when the changes have been emitted. */
  sync(request: Extract<AgentCall, { method: 'sync' }>): Promise<void>;
  /** Names of the containers, running or not, that are on this Engine network. Throws `unavailable` while the Engine is away. */
  usersOf(network: { readonly engineId: string; readonly name: string }): readonly string[];
  readonly done: Promise<void>;
}

interface Item {
  readonly event?: EngineEvent;
  readonly ask?: readonly string[];
  readonly settle?: (error?: unknown) => void;
}

const PARALLEL_READS = 8;
/** One command makes several events: they are one read, and the leader's question that follows is the same one. */
const EVENTS_MS = 25;
const DESTROYED_KEPT = 1_000;
const TIMEOUT_MS = 30_000;
const RETRY_MS = 500;

export function startInventory(deps: InventoryDeps, signal: AbortSignal): Inventory {
  const { engine, log, emit } = deps;
  const containers = new Map<string, ContainerFacts>();
  let images: readonly ImageSummary[] = [];
  let volumes: readonly VolumeSummary[] = [];
  let isAlive = false;
  /** The newest of those that the Engine said are gone for good: nobody need look for them. */
  const destroyed = new Set<string>();

  const get = <T>(path: string): Promise<T> => engineJson<T>(engine, { method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
  const listImages = (): Promise<readonly ImageSummary[]> => get('/images/json?all=1');
  const listVolumes = async (): Promise<readonly VolumeSummary[]> =>
    (await get<{ Volumes: VolumeSummary[] | null }>('/volumes')).Volumes ?? [];

  const inspect = async (id: string): Promise<ContainerInspect | undefined> => {
    const answer = await engineRequest(engine, { method: 'GET', path: `/containers/${id}/json`, signal, timeoutMs: TIMEOUT_MS });
    if (answer.status === 404) return undefined;
    if (answer.status >= 400) throw engineError(answer.status, answer.body.toString());
    return JSON.parse(answer.body.toString()) as ContainerInspect;
  };

  /** Facts of these containers, of all without ids. One list call, and an inspect each. */
  const readContainers = async (ids?: readonly string[]): Promise<ContainerFacts[]> => {
    const filters = ids === undefined ? '' : `&filters=${encodeURIComponent(JSON.stringify({ id: ids }))}`;
    const list = get<ContainerSummary[]>(`/containers/json?all=1${filters}`);
    const [summaries, inspects] = await Promise.all([
      list,
      (ids === undefined ? list.then((all) => all.map(({ Id }) => Id)) : Promise.resolve(ids)).then((known) =>
        mapBounded(known, PARALLEL_READS, inspect),
      ),
    ]);
    const byId = new Map(inspects.flatMap((found) => (found === undefined ? [] : [[found.Id, found]])));
    return summaries.flatMap((summary) => {
      const found = byId.get(summary.Id);
      // an Engine lists null as the labels of the containers of a build's steps
      const labels = (summary.Labels as ContainerSummary['Labels'] | null) ?? {};
      return found === undefined ? [] : [{ summary: { ...summary, Labels: labels }, inspect: found }];
    });
  };

  const refreshContainers = async (read: readonly string[], forget: readonly string[]): Promise<void> => {
    for (const id of forget) destroyed.add(id);
    for (const id of destroyed) if (destroyed.size > DESTROYED_KEPT) destroyed.delete(id);
    const present = read.filter((id) => !destroyed.has(id));
    const upserts = present.length === 0 ? [] : await readContainers(present);
    const found = new Set(upserts.map(({ summary }) => summary.Id));
    const removes = [...forget, ...present.filter((id) => !found.has(id))].filter((id) => containers.delete(id));
    for (const facts of upserts) containers.set(facts.summary.Id, facts);
    if (upserts.length + removes.length > 0) emit({ type: 'containers', upserts, removes });
  };

  /** Lists may overlap; an answer asked for before the last one told is stale and stays untold. */
  const latest = <T>(list: () => Promise<T>, tell: (listed: T) => void) => {
    let asked = 0;
    let told = 0;
    return {
      skipAsked: () => void (told = asked),
      async refresh() {
        const turn = ++asked;
        const listed = await list();
        if (turn <= told) return;
        told = turn;
        tell(listed);
      },
    };
  };
  const imageList = latest(listImages, (listed) => emit({ type: 'images', images: (images = listed) }));
  const volumeList = latest(listVolumes, (listed) => emit({ type: 'volumes', volumes: (volumes = listed) }));

  /** A lane's work: read, then tell the events, then settle who asked. An Engine that is away says so through its event feed. */
  const work = (read: (batch: readonly Item[]) => Promise<void>) => async (batch: readonly Item[]) => {
    let failure: unknown;
    try {
      await read(batch);
    } catch (error) {
      failure = error;
      if (!signal.aborted) log.debug({ err: error }, 'could not read what changed');
    }
    for (const { event, settle } of batch) {
      if (event !== undefined) emit({ type: 'event', event });
      settle?.(failure);
    }
  };
  const needsList = (batch: readonly Item[]): boolean => batch.some(({ event }) => event === undefined || refreshFor(event).do === 'list');
  const lanes = {
    containers: createLane(
      work(async (batch) => {
        const events = batch.flatMap(({ event }) => event ?? []);
        const { read, forget } = readsFor(
          events,
          batch.flatMap(({ ask }) => ask ?? []),
        );
        await refreshContainers(read, forget);
      }),
      EVENTS_MS,
      ({ ask }) => ask !== undefined,
    ),
    images: createLane(
      work(async (batch) => (needsList(batch) ? imageList.refresh() : undefined)),
      50,
    ),
    volumes: createLane(work(async (batch) => (needsList(batch) ? volumeList.refresh() : undefined))),
  };

  const snapshot = async (): Promise<void> => {
    const [all, freshImages, freshVolumes] = await Promise.all([readContainers(), listImages(), listVolumes()]);
    imageList.skipAsked();
    volumeList.skipAsked();
    containers.clear();
    for (const facts of all) containers.set(facts.summary.Id, facts);
    images = freshImages;
    volumes = freshVolumes;
    isAlive = true;
    deps.onAlive();
  };

  /** Until it works or we stop: a half-read Engine would look like one whose containers are gone. */
  const readAll = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        return await snapshot();
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error }, 'could not read the Engine, trying again');
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  };

  const lose = (why: string): void => {
    isAlive = false;
    for (const lane of Object.values(lanes)) {
      for (const { settle } of lane.clear()) settle?.(new ArpanetError('unavailable', `the Engine is away: ${why}`));
    }
    deps.onLost(why);
  };

  const follow = async (): Promise<void> => {
    for await (const item of engineEvents({ target: engine, signal })) {
      if (item.kind === 'lost') lose(item.why);
      else if (item.kind === 'connected') await readAll();
      else {
        if (touchesNetworks(item.event)) deps.onNetworksTouched();
        lanes[laneOf(item.event)].add({ event: item.event });
      }
    }
  };

  const askContainers = (ask: readonly string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      lanes.containers.add({ ask, settle: (error) => (error === undefined ? resolve() : reject(error)) });
    });

  /** Those that the Engine has and we do not know, or the other way round. */
  const askNewcomers = async (): Promise<void> => {
    const present = new Set((await get<ContainerSummary[]>('/containers/json?all=1')).map(({ Id }) => Id));
    const ids = [...present].filter((id) => !containers.has(id)).concat([...containers.keys()].filter((id) => !present.has(id)));
    if (ids.length > 0) await askContainers(ids);
  };

  return {
    current: () => (isAlive ? { containers: [...containers.values()], images, volumes } : undefined),
    async sync(request) {
      if (!isAlive) throw new ArpanetError('unavailable', 'the Engine of this host is away');
      await Promise.all([
        // no containers named: what the Engine has said until now is told first
        request.containers && askContainers(request.containers),
        request.newcomers && askNewcomers(),
        request.images && imageList.refresh(),
        request.volumes && volumeList.refresh(),
      ]);
    },
    usersOf({ engineId, name }) {
      if (!isAlive) throw new ArpanetError('unavailable', 'the Engine of this host is away');
      // one that never started has no NetworkID yet, only the name it asked for
      const uses = ({ inspect }: ContainerFacts): boolean =>
        Object.entries(inspect.NetworkSettings.Networks ?? {}).some(([key, { NetworkID }]) =>
          NetworkID ? NetworkID === engineId : key === name || key === engineId,
        );
      return [...containers.values()].filter(uses).map(({ inspect }) => inspect.Name.replace(/^\//, ''));
    },
    done: follow(),
  };
}
