/**
 * The scheduler of one leadership: builds the room's parts and answers what the door, the registrar and the operator ask.
 * Effects: timers; the parts have theirs. All of it ends with `lost`.
 */
import { setMaxListeners } from 'node:events';
import { type AgentMessage, ArpanetError, type ContainerFacts, type ContainerView, type NetworkRecord, keys } from '../model/index.ts';
import { createAdopt } from './containers/adopt.ts';
import { createAttach } from './networks/attach.ts';
import { changed, nextChange } from './view/change-listeners.ts';
import { commitInPieces, containerRecords, type Core, createCommit, lostIds } from './core.ts';
import type { Scheduler } from '../contracts/index.ts';
import type { SchedulerDeps } from './deps.ts';
import { createDepartures } from './hosts/host-removal.ts';
import { createEngines } from './agents/engines.ts';
import { createFeed } from './events/feed.ts';
import { createHosts } from './hosts/hosts.ts';
import { createHub } from './agents/hub.ts';
import { createImages } from './images/images.ts';
import { createAsking } from './agents/agent-queries.ts';
import { createKeyed, within } from './keyed.ts';
import { startKeepers } from './agents/store-replicas.ts';
import { createLifecycle } from './containers/lifecycle.ts';
import { startLiveness } from './loss/liveness.ts';
import { createLost } from './loss/lost-containers.ts';
import { createRefusals } from './create/refusals.ts';
import { createNamesPush, instancesFor } from './agents/names-push.ts';
import { createNetworks, seenNetworks } from './networks/networks.ts';
import { createOverlays } from './networks/overlays.ts';
import { reservedCores } from './placement/load.ts';
import { pokeHosts } from './agents/announce-epoch.ts';
import { createPipeline } from './create/pipeline.ts';
import { rememberedFacts } from './view/placeholder-containers.ts';
import { createRehearse, snapshotsNow } from './create/rehearse.ts';
import { resolveContainer } from './view/resolve-container.ts';
import { recordFromLabels } from './create/rewrite-labels.ts';
import { createSeek } from './create/pending-creates.ts';
import { createSyncs } from './agents/refresh.ts';
import { createTags, recordedTag } from './images/tags.ts';
import { createView } from './view/view.ts';
import { createVolumes } from './volumes/volumes.ts';

const READY_TIMEOUT_MS = 10_000;
const SETTLED_TIMEOUT_MS = 2_000;
const LINGER_MS = 3_000;
const RECONCILE_EVERY_MS = 30_000;
const SWEEP_EVERY_MS = 5_000;
/** A labelled container without a record gets this long to be claimed by the create that made it. */
const STRAY_AFTER_MS = 3_000;

export async function startScheduler(deps: SchedulerDeps, lost: AbortSignal): Promise<Scheduler> {
  const { log, now } = deps;
  // Every call that waits for a host listens for the end, too.
  setMaxListeners(0, lost);
  const listeners = new Set<() => void>();
  const copies = new Set<string>();
  const view = createView(
    (host, tag) => copies.has(`${host}/${tag}`),
    changed(listeners),
    (tag) => recordedTag(deps, tag),
  );
  for (const record of containerRecords(deps)) view.setRecord(record.name, record);
  const commit = createCommit(deps, view);
  const feed = createFeed({ now, ...seenNetworks(deps, view) });
  const liveness = startLiveness({ deps, view, feed, cut: (host) => engines.cut(host) }, lost);
  const hosts = createHosts({ deps, view, commit, liveness });
  view.setLost(lostIds(deps));
  const remember = (host: string) => view.remember(host, rememberedOn(deps, host));
  for (const { name } of view.hosts()) remember(name);
  const hub = createHub(
    {
      token: deps.token,
      epoch: deps.epoch,
      leader: deps.name,
      clusterId: deps.clusterId,
      get hostDownMs() {
        return deps.hostDownMs;
      },
      log,
      now,
      joined: hosts.joined,
      welcomed: (host) => {
        void overlays.push(host);
        names.again(host);
        void hub.send(host, { type: 'settings', ...deps.agentSettings() });
        keepers.again(host);
      },
      heard,
      left: () => liveness.judge(),
      superseded: (epoch) => deps.superseded?.(epoch),
    },
    lost,
  );
  const engines = createEngines({ token: deps.token, epoch: deps.epoch, log, host: view.host }, lost);
  const syncs = createSyncs(hub, log);
  const core: Core = { deps, view, hub, engines, feed, syncs, keyed: createKeyed(), refusals: createRefusals(), commit, remember, lost };
  const overlays = createOverlays(core);
  const names = createNamesPush(hub, (id) => deps.ledger.get<NetworkRecord>(keys.network(id))?.name);
  const keepers = startKeepers({ ledger: deps.ledger, hub, epoch: deps.epoch, now }, lost);
  const networks = createNetworks(core, overlays);
  const volumes = createVolumes(core);
  const images = createImages(core, copies);
  const tags = createTags(deps, view, commit);
  const attach = createAttach(core, networks, overlays);
  const lifecycle = createLifecycle(core, overlays, deps.lingerMs ?? LINGER_MS);
  const adopt = createAdopt({ core, overlays, lifecycle, lost: () => lostOnes, creating: () => pipeline.creating });
  const departures = createDepartures(core, { hosts, lifecycle, overlays });
  const pipeline = createPipeline({ core, overlays, volumes, images, adopted: async (host) => void (await adopt.host(host)) });

  const lostOnes = createLost(core, overlays, pipeline);
  const { seek, giveUp } = createSeek({ core, adopt, lifecycle, pipeline });
  const queries = createAsking(hub, deps);

  const strays = new Map<string, NodeJS.Timeout>();
  async function adoptNow(host: string): Promise<void> {
    if (!(await adopt.host(host))) adoptLater(host, STRAY_AFTER_MS);
  }

  function adoptLater(host: string, ms: number): void {
    if (strays.has(host) || lost.aborted) return;
    const timer = setTimeout(() => {
      strays.delete(host);
      void adoptNow(host);
    }, ms);
    strays.set(host, timer);
  }

  function heard(host: string, message: Exclude<AgentMessage, { type: 'hello' | 'done' }>): void {
    if (!liveness.heard(host, message)) return;
    if (message.type === 'event') feed.take(host, message.event);
    else if (message.type !== 'engine') {
      const gone = view.apply(host, message, now());
      // A snapshot may be older than what was created since: only what its Engine itself reports as removed is gone for sure.
      if (message.type === 'containers') {
        for (const container of gone) if (container.record !== undefined) void forgetGone(container);
        if (message.upserts.some(({ inspect }) => isStray(inspect.Id, inspect.Config.Labels ?? {}))) adoptLater(host, STRAY_AFTER_MS);
      }
    }
    if (message.type === 'snapshot' || message.type === 'images') void tags.save();
    if (message.type === 'snapshot') void adoptNow(host);
  }

  function isStray(id: string, labels: Readonly<Record<string, string>>): boolean {
    return view.byId(id)?.record === undefined && recordFromLabels(labels) !== undefined;
  }

  async function forgetGone(container: ContainerView): Promise<void> {
    try {
      await lifecycle.removed(container);
    } catch (error) {
      log.warn({ container: container.name, err: error }, 'could not give back what a removed container held; the next run does');
      adoptLater(container.host, STRAY_AFTER_MS);
    }
  }

  async function sweep(): Promise<void> {
    try {
      for (let changes = deps.dhcp.sweep(); changes.length > 0 && !lost.aborted; changes = deps.dhcp.sweep())
        await commitInPieces(commit, changes);
    } catch (error) {
      log.debug({ err: error }, 'could not sweep leases; the next run does');
    }
  }

  async function reconcile(): Promise<void> {
    const alive = view.hosts().flatMap((host) => (host.state === 'alive' ? [host.name] : []));
    await Promise.all(alive.map((host) => adoptNow(host)));
    await adopt.leftovers();
  }

  const sweeper = setInterval(() => void sweep(), SWEEP_EVERY_MS);
  // What a store that was away, or a crash, left undone: found anew, however it came about.
  const reconciler = setInterval(
    () => void reconcile().catch((error: unknown) => log.debug({ err: error }, 'could not reconcile; the next run does')),
    RECONCILE_EVERY_MS,
  );
  const isHere = async (): Promise<void> => {
    const until = now() + deps.graceMs;
    while (!lost.aborted && now() < until && view.hosts().some((host) => host.state === 'joining'))
      await nextChange(listeners, until - now());
    await within(deps.graceMs + 1, Promise.all(view.hosts().map((host) => adoptNow(host.name))), () => new Error('adoption is slow')).catch(
      (error: unknown) => log.warn({ err: error }, 'ready before all hosts were compared with the store'),
    );
  };
  const complete = isHere();
  void pokeHosts({ token: deps.token, epoch: deps.epoch, url: deps.url, log, hosts: view.hosts }, lost);
  void complete.then(() =>
    lost.aborted ? undefined : adopt.leftovers().catch((error: unknown) => log.warn({ err: error }, 'left-overs remain')),
  );
  lost.addEventListener('abort', () => {
    clearInterval(sweeper);
    clearInterval(reconciler);
    for (const timer of strays.values()) clearTimeout(timer);
    listeners.clear();
  });

  return {
    leader: {
      ready: (signal) => awaitReady(complete, signal, lost),
      frozen: () => deps.frozen?.(),
      about: () => {
        const { name, epoch, clusterId, strategy } = deps;
        return { name, epoch, clusterId, strategy, schedulers: deps.schedulers() };
      },
      async reconcile() {
        await reconcile();
        for (const host of hub.hosts()) {
          void overlays.push(host);
          names.again(host);
        }
      },
    },
    view: {
      version: view.version,
      onChange(listener, signal) {
        if (signal.aborted) return;
        listeners.add(listener);
        signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
      },
      async refresh(host, what) {
        await deps.failpoint('change.done');
        await syncs.sync(host, what);
        if (what.images === true) await tags.save();
        await deps.failpoint('change.shown');
      },
      settled(container) {
        const settled = syncs.settled(container);
        return settled && within(SETTLED_TIMEOUT_MS, settled, () => new Error('slow')).catch(() => undefined);
      },
    },
    hosts: {
      list: view.hosts,
      lastHeardMs: liveness.lastHeardMs,
      update: hosts.update,
      admissions: departures.admissions,
      admit: departures.admit,
      remove: departures.removeHost,
      reset: departures.bareHost,
    },
    containers: {
      list: view.containers,
      one: (reference) => resolveContainer(reference, view),
      awaitCreate: seek,
      abandonCreate: giveUp,
      create: pipeline.create,
      withdrawn: lifecycle.withdrawn,
      release: lifecycle.removed,
      rename: lifecycle.rename,
      unlink: lifecycle.unlink,
      replaceLost: lostOnes.succeed,
      abandonLost: lostOnes.abandon,
    },
    networks: {
      list: networks.list,
      one: networks.one,
      create: networks.create,
      remove: (reference, { evenOfStopped = false } = {}) =>
        networks.remove(reference, evenOfStopped ? (network, container) => attach.disconnect(network, container, false) : undefined),
      connect: (reference, container, endpoint) => attach.connect(reference, resolveContainer(container, view), endpoint),
      disconnect: (reference, container, force) => attach.disconnect(reference, resolveContainer(container, view), force),
      rejoin: attach.rejoin,
    },
    volumes: { list: volumes.list, one: volumes.one, create: volumes.create, remove: volumes.remove },
    images: {
      find: view.image,
      tags: view.tags,
      async ensure(host, reference, signal) {
        await images.ensure(host, reference, signal);
      },
      builder: images.builder,
    },
    engines: { endpoint: engines.door, openPort: engines.openPort },
    events: { listen: feed.listen, recent: feed.recent, shown: feed.shown },
    placement: {
      rehearse: createRehearse(core, volumes),
      snapshots: () => snapshotsNow(core),
      reserved: () => new Map(snapshotsNow(core).map((host) => [host.name, reservedCores(host)])),
      refusal: core.refusals.of,
    },
    agents: {
      accept: hub.accept,
      dial: queries.dial,
      look: queries.look,
      usage: queries.usage,
      pushSettings: queries.pushSettings,
      expected: (host, instances) => ({ plans: overlays.plansOf(host), names: instancesFor(host, instances) }),
    },
    names: {
      sources: () => ({ records: containerRecords(deps), containers: view.containers(), withdrawn: lifecycle.withdrawnIds() }),
      push: names.push,
    },
  };
}

/** What the records tell of a host's containers, until it does so itself. */
function rememberedOn(deps: SchedulerDeps, host: string): readonly ContainerFacts[] {
  const networkOf = (id: string) => deps.ledger.get<NetworkRecord>(keys.network(id));
  return containerRecords(deps).flatMap((record) =>
    record.host === host && record.id !== undefined ? [rememberedFacts(record, record.id, networkOf)] : [],
  );
}

async function awaitReady(complete: Promise<void>, signal: AbortSignal, lost: AbortSignal): Promise<void> {
  const why = (): ArpanetError => new ArpanetError('unavailable', 'the cluster view is not complete yet: try again');
  if (signal.aborted || lost.aborted) throw why();
  let abort: (() => void) | undefined;
  const given = new Promise<never>((_resolve, reject) => {
    abort = () => reject(why());
    signal.addEventListener('abort', abort);
  });
  try {
    await within(READY_TIMEOUT_MS, Promise.race([complete, given]), why);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
