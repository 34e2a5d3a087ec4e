/**
 * The scheduler of one leadership: builds the room's parts, each from those before it, and gives them out by role. What a part makes an earlier one
 * do goes through the triggers. Effects: those of the parts. All of it ends with `lost`.
 */
import { setMaxListeners } from 'node:events';
import type { Scheduler } from '../contracts/index.ts';
import { ArpanetError, type ContainerRecord, type ContainerView, keys, type NetworkRecord, type TunnelEnd } from '../model/index.ts';
import { createAgentQueries } from './agents/agent-queries.ts';
import { announceEpoch } from './agents/announce-epoch.ts';
import { createEchoes } from './agents/echoes.ts';
import { createEngines, stateOf } from './agents/engines.ts';
import { createHub } from './agents/hub.ts';
import { createIntake } from './agents/intake.ts';
import { createClosedPush } from './agents/closed-push.ts';
import { createClaimsPush } from './agents/claims-push.ts';
import { httpClaims } from './agents/http-push.ts';
import { ingressClaims } from './agents/ingress-push.ts';
import { createResumes } from './agents/resumes.ts';
import { createNamesPush, instancesFor } from './agents/names-push.ts';
import { createSyncs } from './agents/refresh.ts';
import { startStoreReplicas } from './agents/store-replicas.ts';
import { createAdopt } from './containers/adopt.ts';
import { startAdopter } from './containers/adopter.ts';
import { createJudge } from './containers/judge.ts';
import { createLifecycle } from './containers/lifecycle.ts';
import { commitInPieces, containerRecords, type Core, createCommit, lostIds, rememberHost } from './core.ts';
import { holdBindsOf } from './create/bind-sources.ts';
import { createCreatesInProgress } from './create/creates-in-progress.ts';
import { createPendingCreates } from './create/pending-creates.ts';
import { createPipeline } from './create/pipeline.ts';
import { createPromisedHosts } from './placement/promised-hosts.ts';
import { createRefusals } from './create/refusals.ts';
import { createRehearse, snapshotsNow } from './create/rehearse.ts';
import type { SchedulerDeps } from './deps.ts';
import { createFeed } from './events/feed.ts';
import { createHostRemoval } from './hosts/host-removal.ts';
import { createHosts } from './hosts/hosts.ts';
import { createImages } from './images/images.ts';
import { createPlatforms } from './images/platforms.ts';
import { createTags, recordedTag } from './images/tags.ts';
import { startLiveness } from './loss/liveness.ts';
import { isReached } from './loss/reach.ts';
import { createLost } from './loss/lost-containers.ts';
import { createFenceOff } from './loss/fence-off.ts';
import { createReplaceLost } from './loss/replace-lost.ts';
import { createYieldedAddresses } from './loss/yielded-addresses.ts';
import { createAddresses } from './networks/addresses.ts';
import { createAttach } from './networks/attach.ts';
import { createPortClaims } from './networks/port-claims.ts';
import { startLeaseSweeper } from './networks/lease-sweeper.ts';
import { startServiceAddresses } from './networks/service-addresses.ts';
import { createNetworks, seenNetworks, planAskedOf } from './networks/networks.ts';
import { createOverlays } from './networks/overlays.ts';
import { reservedCores } from './placement/load.ts';
import { startReadiness } from './readiness.ts';
import { createNow } from './replica/now.ts';
import { createReplicaSource } from './replica/source.ts';
import { createTriggers } from './triggers.ts';
import { createChangeListeners } from './view/change-listeners.ts';
import { createHostSummaries } from './view/host-summaries.ts';
import { createRecordIndex } from './view/record-index.ts';
import { resolveContainer } from './view/resolve-container.ts';
import { createTouchedRecords } from './view/touched-records.ts';
import { createView } from './view/view.ts';
import { createVolumes } from './volumes/volumes.ts';
import { createKeyed } from '../async/keyed.ts';
import { patientlyFor } from '../async/within.ts';
import { guarded, inBackground } from '../telemetry/faults.ts';

const SETTLED_TIMEOUT_MS = 2_000;

/** Starts the scheduler of one leadership; everything that it does ends when `lost` aborts. Rejects when the ledger cannot be written. */
export async function startScheduler(deps: SchedulerDeps, lost: AbortSignal): Promise<Scheduler> {
  const { log, now } = deps;
  // Every call that waits for a host listens for the end, too.
  setMaxListeners(0, lost);
  const triggers = createTriggers();
  const listeners = createChangeListeners(log, lost);

  // what is known
  const copies = new Set<string>();
  const recordIndex = createRecordIndex(
    (id) => inner.read.byId(id) !== undefined,
    (host) => summaries.changed(host),
  );
  const replicas = createReplicaSource({ ledger: deps.ledger, epoch: deps.leader.epoch, now: () => isNow(), log }, lost);
  const inner = createView(
    (host, tag) => copies.has(`${host}/${tag}`),
    listeners.changed,
    (tag, isFirst) => (isFirst ? recordedTag(deps, tag) : undefined),
    {
      container: (id) => touched.container(id),
      record: (name) => touched.record(name),
      host: (name) => touched.host(name),
      placing: (name) => summaries.changed(name),
    },
  );
  const wholeView = replicas.reporting(inner);
  const { read: view, images: imageView, hosts: members, records } = wholeView;
  const summaries = createHostSummaries({ deps, view, images: imageView, recordIndex });
  const touched = createTouchedRecords(deps.ledger, recordIndex);
  for (const record of containerRecords(deps)) records.set(record.name, record);
  const commit = createCommit(deps, records);
  const feed = createFeed({ now, log, ...seenNetworks(deps, view) });
  const liveness = startLiveness({ deps, view, members, isReached, feed, triggers }, lost);
  const hosts = createHosts({ deps, recordIndex, view, members, images: imageView, commit, liveness });
  records.setLost(lostIds(deps));
  for (const { name } of view.hosts()) rememberHost({ deps, records, recordIndex }, name);

  // the agents and the Engines
  const tags = createTags(deps, view, imageView, commit);
  const judge = createJudge(deps, view);
  const heard = createIntake({ view: wholeView, feed, liveness, tags, triggers, judge, now, log });
  const { token, epoch, url, certificates } = deps.leader;
  const hub = createHub(
    {
      token: () => deps.leader.token,
      certificates,
      epoch: deps.leader.epoch,
      leader: deps.leader.name,
      clusterId: deps.leader.clusterId,
      get hostDownMs() {
        return deps.settings.hostDownMs;
      },
      members: () => summaries.pool().size(),
      log,
      now,
      joined: hosts.joined,
      welcomed: (host) => (certificates.whyRevoked(host) === undefined ? triggers.emit('agent-welcomed', host) : hub.drop(host)),
      heard(host, message, bytes) {
        const fact = resumes.read(host, message, bytes);
        if (fact?.type === 'ask-names') return names.again(host);
        if (fact === undefined) liveness.heard(host, message);
        else heard(host, fact);
        if (message.type === 'beat') names.beaten(host);
      },
      askConsul: deps.askConsul,
      left(host, reason) {
        resumes.left(host);
        liveness.cut(host, reason);
      },
      refused: liveness.cut,
      superseded: deps.leader.superseded,
    },
    lost,
  );
  const resumes = createResumes({ hub, view, seeds: deps.seeds, log });
  const engines = createEngines({ token, epoch, certificates, log, host: view.host }, lost);
  const syncs = createSyncs(hub, (host) => view.host(host)?.state === 'alive', log);
  const keyed = createKeyed();
  const echoes = createEchoes(hub, now);
  const core: Core = {
    deps,
    view,
    images: imageView,
    records,
    recordIndex,
    summaries,
    hub,
    echoes,
    engines,
    feed,
    syncs,
    keyed,
    commit,
    judge,
    triggers,
    lost,
  };

  // networks, volumes, images
  const overlays = createOverlays(core);
  const networks = createNetworks(core, overlays);
  const fenceOff = createFenceOff(core, overlays);
  const yielded = createYieldedAddresses(core, overlays, fenceOff);
  const addresses = createAddresses(core, overlays, yielded);
  const attach = createAttach(core, networks, overlays, addresses);
  const volumes = createVolumes(core);
  const images = createImages(core, copies);

  // containers
  const creates = createCreatesInProgress();
  const refusals = createRefusals();
  const promisedHosts = createPromisedHosts(deps.now);
  const lifecycle = createLifecycle(core, overlays, { ...listeners, withdrawalsChanged: touched.container });
  const lostContainers = createLost(core, overlays, yielded);
  const adopt = createAdopt({ core, overlays, lifecycle, lost: lostContainers, creates, attach });
  const adopter = startAdopter(core, adopt, lifecycle);
  const platforms = createPlatforms(core);
  const pipeline = createPipeline({ core, overlays, volumes, images, platforms, adopt, creates, refusals, addresses, promisedHosts });
  const pendingCreates = createPendingCreates({ core, adopt, lifecycle, creates });
  const replaceLost = createReplaceLost(core, overlays, pipeline, fenceOff);
  const hostRemoval = createHostRemoval(core, { hosts, lifecycle, overlays });

  // what agents are sent
  const queries = createAgentQueries(hub, deps);
  const names = createNamesPush({
    hub,
    log,
    now,
    takesChanges: (host) => view.host(host)?.facts?.takesNameChanges === true,
    networkName: (id) => deps.ledger.get<NetworkRecord>(keys.network(id))?.name,
  });
  const addressOf = (host: string) => view.host(host)?.record.address;
  const reached = {
    hub,
    addressOf: (host: string) => ({ at: addressOf(host), at6: view.host(host)?.facts?.address6 }),
    addresses: () =>
      view.hosts().flatMap(({ record, facts }) => [record.address, ...(facts?.address6 === undefined ? [] : [facts.address6])]),
    log,
  };
  const claims = [createClaimsPush(reached, ingressClaims), createClaimsPush(reached, httpClaims)];
  const closedHosts = createClosedPush({ hub, hosts: view.hosts, one: view.host, log }, lost);
  const storeReplicas = startStoreReplicas(
    { ledger: deps.ledger, connected: recordIndex.connected, hub, epoch: deps.leader.epoch, now, log },
    lost,
  );
  const welcomed = guarded(log, 'what a new host is sent', (host: string) => {
    overlays.welcome(host);
    names.again(host);
    for (const one of claims) one.again(host);
    closedHosts.again(host);
    queries.sendSettings(host);
    storeReplicas.again(host);
  });
  triggers.on('agent-welcomed', welcomed);
  triggers.on(
    'keys-changed',
    guarded(log, 'new keys of a host', async (host: string, ends: readonly TunnelEnd[]) => {
      await hosts.tunnelChanged(host, ends);
      overlays.keysChanged(host);
    }),
  );
  triggers.on(
    'host-silent',
    guarded(log, 'a silent host', (name: string) => {
      const host = view.host(name);
      const why = host === undefined ? `host ${name} does not answer` : stateOf(host);
      engines.cut(name, why);
      hub.abandon(name, why);
    }),
  );

  startLeaseSweeper(core);
  startServiceAddresses(core);
  const ready = startReadiness(core, { listeners, adopter, adopt });
  const settled = (container?: string): Promise<void> | undefined => {
    const done = syncs.settled(container);
    return done && patientlyFor(SETTLED_TIMEOUT_MS, done);
  };
  const isNow = createNow({ frozen: deps.leader.frozen, ready, settled, log }, lost);
  inBackground(log, 'announcing this leader', announceEpoch({ token, epoch, certificates, url, log, hosts: view.hosts }, lost));

  const shownOf = (known: readonly ContainerRecord[]): readonly ContainerView[] =>
    known.flatMap(({ id }) => (id === undefined ? [] : (view.byId(id) ?? [])));
  return {
    leader: {
      ready,
      frozen: deps.leader.frozen,
      about: () => {
        const { name, epoch, clusterId, schedulers } = deps.leader;
        return { name, epoch, clusterId, strategy: deps.settings.strategy, schedulers: schedulers() };
      },
      unreadable: () => deps.ledger.unreadable(),
      async discard(key) {
        if (!deps.ledger.unreadable().some((one) => one.key === key)) throw new ArpanetError('not-found', `no record ${key} is set aside`);
        // with a network go the subnet and the addresses that nobody else would give back
        const all = key.startsWith(keys.networks) ? deps.dhcp.networks.planRemoval(key.slice(keys.networks.length)) : [];
        await commitInPieces(commit, [{ kind: 'delete', key }, ...all.filter((change) => change.key !== key)]);
        log.warn({ key }, 'a record that could not be read is deleted');
      },
      async reconcile() {
        await adopter.all();
        for (const host of hub.hosts()) {
          overlays.push(host);
          names.again(host);
          for (const one of claims) one.again(host);
        }
      },
    },
    view: {
      version: view.version,
      containersBy: {
        matching: view.matching,
        linking: recordIndex.linking,
        id: (id) => view.byId(id),
        service: (deployment, service) => shownOf(recordIndex.ofService(deployment, service)),
        serviceRecords: recordIndex.ofService,
        replacements: () => shownOf(recordIndex.replacements()),
      },
      onChange: listeners.add,
      async refresh(host, what) {
        await deps.failpoint('change.done');
        await syncs.sync(host, what);
        if (what.images === true) await tags.save();
        await deps.failpoint('change.shown');
      },
      settled,
      replicas,
    },
    hosts: {
      list: view.hosts,
      one: view.host,
      lastHeardMs: liveness.lastHeardMs,
      update: hosts.update,
      admissions: hostRemoval.admissions,
      admit: hostRemoval.admit,
      async remove(name) {
        const removed = await hostRemoval.remove(name);
        closedHosts.left(name);
        return removed;
      },
      reset: hostRemoval.reset,
    },
    containers: {
      list: view.containers,
      one: (reference) => resolveContainer(reference, view),
      awaitCreate: pendingCreates.awaited,
      abandonCreate: pendingCreates.abandon,
      create: pipeline.create,
      withdrawn: lifecycle.withdrawn,
      release: lifecycle.removed,
      rename: lifecycle.rename,
      unlink: lifecycle.unlink,
      replaceLost: replaceLost.replace,
      abandonLost: replaceLost.abandon,
      verdict: ({ host, facts }) => judge(host, facts.inspect),
    },
    networks: {
      idleSince: addresses.idleSince,
      list: networks.list,
      one: networks.one,
      create: networks.create,
      planAsked: (requests) => planAskedOf(deps, requests),
      remove: (reference, { evenOfStopped = false } = {}) =>
        networks.remove(reference, evenOfStopped ? (network, container) => attach.disconnect(network, container, false) : undefined),
      connect: (reference, container, endpoint) => attach.connect(reference, resolveContainer(container, view), endpoint),
      disconnect: (reference, container, force) => attach.disconnect(reference, resolveContainer(container, view), force),
      async starting(container, act) {
        await holdBindsOf(core, container);
        return await attach.starting(container, act);
      },
      claimPorts: createPortClaims(core),
    },
    volumes: { list: volumes.list, one: volumes.one, create: volumes.create, remove: volumes.remove },
    images: {
      find: imageView.find,
      tags: imageView.tags,
      async ensure(host, reference, signal) {
        await images.ensure(host, reference, signal);
      },
      builder: images.builder,
    },
    engines: { endpoint: engines.endpoint, openPort: engines.openPort },
    events: { listen: feed.listen, recent: feed.recent, shown: feed.shown, service: feed.service },
    placement: {
      rehearse: createRehearse(core, volumes, platforms),
      hold: promisedHosts.hold,
      snapshots: () => snapshotsNow(core),
      reserved: () => new Map(snapshotsNow(core).map((host) => [host.name, reservedCores(host)])),
      refusal: refusals.of,
    },
    agents: {
      accept: hub.accept,
      dial: queries.dial,
      answerPath: queries.answerPath,
      look: queries.look,
      usage: queries.usage,
      upgrade: queries.upgrade,
      pushSettings: queries.pushSettings,
      isConnected: hub.connected,
      disconnect(host, why) {
        hub.drop(host);
        engines.cut(host, why);
        liveness.cut(host, why);
      },
      cut: hub.cut,
      malformedMessages: hub.malformedMessages,
      expected: (host, instances) => ({ plans: overlays.plansOf(host), names: instancesFor(host, instances) }),
    },
    names: {
      httpFigures: queries.httpFigures,
      sources: {
        touched: touched.take,
        touchedHosts: touched.takeHosts,
        record: (name) => deps.ledger.get<ContainerRecord>(keys.container(name)),
        container: (id) => view.byId(id),
        isWithdrawn: lifecycle.isWithdrawn,
      },
      async push(update) {
        await Promise.all([names.push(update), ...claims.map((one) => one.push(update))]);
      },
    },
  };
}
