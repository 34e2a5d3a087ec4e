/**
 * One leadership: the rooms of a leader, wired together for one term of the lead.
 * Effects: everything that the rooms do.
 */
import { randomBytes } from 'node:crypto';
import { lazily, type Steps } from '../async/steps.ts';
import { type BootServers, createBootServers } from '../boot/index.ts';
import { type ServicesRoom, startServices } from '../services/index.ts';
import type { createDns } from '../dns/index.ts';
import { updateOwnDns } from './own-names.ts';
import {
  type HostView,
  ArpanetError,
  type HostRecord,
  keys,
  type LeaderRecord,
  type LeaseRecord,
  type NamedInstance,
  type NetworkCreateRequest,
  type NetworkRecord,
  type ServiceView,
} from '../model/index.ts';
import type { ClusterSettings, Observed, OperatorDeps, OutsideNames } from '../operator-api/index.ts';
import { createInstanceTable, type NamedHost, type Registrar } from '../registrar/index.ts';
import type { RehearsedCreate, ReplicaSeeds, Scheduler } from '../contracts/index.ts';
import { type Catalog, type Fence, type Ledger, openLedger, type StateStore, type Term } from '../store/index.ts';
import { forgetLeftOut, leftOutNow } from '../telemetry/left-out.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Peers } from './scheduler-peers.ts';
import { steadyNow } from './clock.ts';
import { authorityOf, type ClusterCa } from './identity/cluster-ca.ts';
import { identityOf, sealKept } from './identity/cluster-identity.ts';
import { createConsulNames } from './consul-names.ts';
import { clusterSettings, type Followed } from './live-settings.ts';
import { listOutside, outsideNames } from './outside-names.ts';
import { publishedView } from './published-ports.ts';
import { createPeople } from './people/people.ts';
import { createDeployments, type DeploymentsRoom } from '../deployments/index.ts';
import { ownCalls } from './deployments/own-calls.ts';
import { createRequests } from './requests.ts';
import { hold, withAddresses } from './rehearsal.ts';
import { hostServerName, SCHEDULER_NAME } from '../security/index.ts';
import { createMembership, type Membership } from './identity/membership.ts';
import type { SchedulerCertificate } from './identity/scheduler-certificate.ts';
import type { AuditLog } from './observability/audit-log.ts';
import type { Rooms } from './rooms.ts';
import type { SchedulerSettings } from './scheduler-settings.ts';
import { inBackground, processFaults } from '../telemetry/faults.ts';

/** What one leadership is made of. It outlives the lock until another leader is known, so that reads are answered while the store is unreachable. */
export interface Leadership {
  readonly record: LeaderRecord;
  readonly scheduler: Scheduler;
  readonly services: ServicesRoom;
  readonly deployments: DeploymentsRoom;
  readonly ledger: Ledger;
  readonly registrar: Registrar;
  readonly instances: () => readonly NamedInstance[];
  /** What of it is asked for is read then, once. */
  readonly observe: () => Observed;
  /** All services, pausing in between. */
  readonly serviceSteps: () => Steps<readonly ServiceView[]>;
  readonly outside: OutsideNames;
  readonly rehearse: OperatorDeps['rehearse'];
  readonly config: ClusterSettings;
  /** The secret of the join token; it may be rotated. */
  readonly token: () => string;
  /** Undefined: there is no key to seal its own with, or its record is damaged. */
  readonly ca: ClusterCa | undefined;
  readonly people: ReturnType<typeof createPeople>;
  /** A secret that schedulers alone have. */
  readonly labelKey: string;
  readonly membership: Membership;
  /** What boot servers have said in this term. */
  readonly bootServers: BootServers;
  /** Of this term's lock. */
  readonly fence: Fence;
  /** Fires when a host has seen a higher epoch: another scheduler leads, even if the store does not say so yet. */
  readonly superseded: AbortSignal;
  /** It is over: another scheduler leads, or this one ends. */
  readonly ended: AbortSignal;
  stop(): Promise<void>;
}

export interface LeadershipDeps {
  readonly store: StateStore;
  readonly catalog: Catalog | undefined;
  readonly term: Term;
  readonly log: Logger;
  readonly dns: ReturnType<typeof createDns> | undefined;
  readonly live: Followed;
  readonly peers: Peers;
  readonly certificate: SchedulerCertificate;
  readonly rooms: Rooms;
  /** A host has seen this epoch. */
  readonly sawEpoch: (epoch: number) => void;
  readonly auditLog: AuditLog;
  /** What it had of hosts when it followed. */
  readonly seeds: ReplicaSeeds | undefined;
  /** Where this process itself reaches its endpoint. */
  readonly ownUrl: () => string;
}

export async function startLeadership(
  settings: SchedulerSettings,
  { store, catalog, term, log, dns, live, peers, certificate, rooms, sawEpoch, auditLog, seeds, ownUrl }: LeadershipDeps,
): Promise<Leadership> {
  forgetLeftOut();
  const stopped = new AbortController();
  const superseded = new AbortController();
  const ledger = await openLedger(store, term.fence, log.child({ room: 'store' }));
  await sealKept(store, ledger);
  const { token, clusterId, labelKey } = await identityOf(ledger, settings.joinToken, newId, log);

  const ca = await authorityOf(ledger, store.unsealed !== undefined, Date.now, log);
  await certificate.load(ledger.list<HostRecord>(keys.hosts).some(([, host]) => host.hasTls === true));
  const membership = createMembership(ledger, ca, Date.now, log);

  /** Whom hosts trust. */
  const trustNow = () => {
    const revoked = membership.revokedSerials();
    return { ...(revoked.length > 0 && { revoked }), ...(ca?.rotatedMs() !== undefined && { trust: ca.bundle }) };
  };

  const consulNames = settings.store.kind === 'consul' ? createConsulNames(settings.store, steadyNow, log) : undefined;
  /** The scheduler asks that names be sent at once; the registrar does so. */
  const nameFlushes = createRequests();
  const dhcpDeps = {
    ledger,
    get pool() {
      return live.now().pool;
    },
    clusterId,
    defaultPrefix: settings.defaultPrefix,
    get restMs() {
      return live.now().leaseRest;
    },
    epoch: term.epoch,
    now: steadyNow,
    newId,
  };
  const dhcp = rooms.createDhcp(dhcpDeps);
  const ownScheduler = await rooms.startScheduler(
    {
      ledger,
      dhcp,
      log: log.child({ room: 'scheduler' }),
      now: steadyNow,
      newId,
      random: Math.random,
      leader: {
        name: settings.name,
        url: settings.advertise,
        epoch: term.epoch,
        clusterId,
        labelKey,
        get token() {
          return textOf(ledger.get(keys.joinToken), token);
        },
        certificates: {
          refusal: membership.refusal,
          isCertified: membership.isCertified,
          whyRevoked: membership.whyRevoked,
          dial(host) {
            const revoked = membership.whyRevoked(host);
            if (revoked !== undefined) throw new ArpanetError('unavailable', revoked);
            const options = certificate.dial(hostServerName(host));
            if (options === undefined)
              throw new ArpanetError('unavailable', `this scheduler has no certificate to reach host ${host} with`);
            return options;
          },
        },
        schedulers: () => [settings.name],
        frozen: () => (term.lost.aborted ? FROZEN : undefined),
        superseded: (epoch) => {
          sawEpoch(epoch);
          superseded.abort();
        },
      },
      settings: {
        get strategy() {
          return live.now().strategy;
        },
        get hostDownMs() {
          return live.now().hostDownAfter;
        },
        agentSettings: () => ({
          logLevel: live.kept()['log-level'] ?? null,
          ...(consulNames !== undefined && { asksConsul: true }),
          schedulers: [settings.advertise, ...peers.list().flatMap(({ url, exposed = [] }) => [url, ...exposed])],
          ...trustNow(),
        }),
        get overcommit() {
          const { overcommitCpu, overcommitMemory } = live.now();
          return { cpus: overcommitCpu, memory: overcommitMemory };
        },
        get encryptsAll() {
          return live.now().encryptNetworks === 'all';
        },
        get drainMs() {
          return live.now().drainTime;
        },
        get publishMode() {
          return live.now().publishMode;
        },
        isPublishing: settings.publishAt !== undefined,
        graceMs: settings.graceMs,
        lingerMs: NETWORK_LINGER_MS,
      },
      flushNames: nameFlushes.ask,
      askConsul: consulNames?.ask,
      seeds,
      failpoint: rooms.failpoint,
    },
    stopped.signal,
  );
  const scheduler: Scheduler = {
    leader: ownScheduler.leader,
    view: publishedView(ownScheduler, settings.publishAt, log.child({ room: 'published' }), stopped.signal),
    hosts: ownScheduler.hosts,
    containers: ownScheduler.containers,
    networks: ownScheduler.networks,
    volumes: ownScheduler.volumes,
    images: ownScheduler.images,
    engines: ownScheduler.engines,
    events: ownScheduler.events,
    placement: ownScheduler.placement,
    agents: ownScheduler.agents,
    names: ownScheduler.names,
  };
  const { sources } = scheduler.names;
  const table = createInstanceTable({
    ...sources,
    withdrawn: { has: sources.isWithdrawn },
    // Suspect hosts are taken to be as they were: a mass loss empties neither DNS nor catalog.
    joining: { has: (host) => ['joining', 'suspect'].includes(scheduler.hosts.one(host)?.state ?? '') },
    cutOff: { has: (host) => scheduler.hosts.one(host)?.isCutOff === true },
    networkOf: (id) => ledger.get<NetworkRecord>(keys.network(id)),
    vipOf: dhcp.serviceAddresses.of,
  });
  const instances = table.all;
  const registrar = rooms.startRegistrar(
    {
      instances: table,
      outside: () => listOutside(ledger),
      hosts: () => scheduler.hosts.list().map(namedHost),
      host(name) {
        const host = scheduler.hosts.one(name);
        return host && namedHost(host);
      },
      touchedHosts: sources.touchedHosts,
      push: async (update) => {
        if (dns !== undefined) updateOwnDns(dns, update);
        await scheduler.names.push(update);
      },
      ...(catalog === undefined
        ? {}
        : {
            catalog: {
              list: (prefix, only) => catalog.list(prefix, only),
              nodes: (prefix) => catalog.nodes(prefix),
              changeIndex: () => catalog.changeIndex(),
              apply: (changes) => catalog.apply(changes, term.fence),
            },
          }),
      epoch: term.epoch,
      now: steadyNow,
      log: log.child({ room: 'registrar' }),
      onChange: scheduler.view.onChange,
    },
    stopped.signal,
  );
  nameFlushes.answer(() => registrar.flush());
  const rehearsed = (creates: readonly RehearsedCreate[], networks: readonly NetworkCreateRequest[]) => {
    const routes = scheduler.hosts.list().flatMap(({ facts }) => facts?.routes ?? []);
    const made = networks.flatMap(({ Name }) => Name ?? []);
    const placements = scheduler.placement.rehearse(creates, made);
    return withAddresses(dhcpDeps, dhcp, scheduler.networks.idleSince, creates, placements, networks, routes);
  };
  const rehearse: Leadership['rehearse'] = async (creates, networks, isHeld) => {
    const found = rehearsed(creates, networks);
    const idOf = (name: string) => scheduler.networks.list().find(({ record }) => record.name === name || record.id === name)?.record.id;
    if (isHeld) {
      hold(scheduler.placement, dhcp, idOf, creates, found);
      await ledger.commit(scheduler.networks.planAsked(creates.map(({ request }) => request)));
    }
    return found;
  };
  const services = startServices(
    {
      scheduler,
      ledger,
      log: log.child({ room: 'services' }),
      now: steadyNow,
      newId,
      lostAfterMs: () => 2 * live.now().hostDownAfter,
      isRestartEnough: () => live.now().reschedule !== 'label',
      rehearse: (creates) => rehearsed(creates, []),
      failpoint: rooms.failpoint,
    },
    stopped.signal,
  );
  const deployments = createDeployments({
    ledger,
    calls: (client, operation) =>
      ownCalls({ url: ownUrl(), name: settings.name, tls: certificate.dial(SCHEDULER_NAME), secret: labelKey }, client, operation),
    ended: stopped.signal,
    now: Date.now,
    log: log.child({ room: 'deployments' }),
  });
  inBackground(log, 'a look for foreign changes of the store', ledger.guard(stopped.signal));
  const record: LeaderRecord = { url: settings.advertise, name: settings.name, epoch: term.epoch };
  return {
    record,
    scheduler,
    services,
    deployments,
    ledger,
    registrar,
    instances,
    rehearse,
    outside: outsideNames(ledger, registrar, instances),
    config: clusterSettings(ledger, live),
    token: () => textOf(ledger.get(keys.joinToken), token),
    ca,
    people: createPeople({ ledger, ca, now: Date.now, isHere: (image) => scheduler.images.find(image) !== undefined }),
    labelKey,
    membership,
    bootServers: createBootServers(Date.now()),
    fence: term.fence,
    superseded: superseded.signal,
    ended: stopped.signal,
    observe: () =>
      lazily<Observed>({
        leader: () => record,
        clusterId: () => clusterId,
        store: () => (settings.store.kind === 'consul' ? `consul at ${settings.store.address}` : `embedded in ${settings.store.dir}`),
        strategy: () => live.now().strategy,
        hosts: () => scheduler.hosts.list(),
        containers: () => scheduler.containers.list(),
        instances,
        networks: () => ledger.list<NetworkRecord>(keys.networks).map(([, value]) => value),
        leases: () => ledger.list<LeaseRecord>(keys.leases).map(([, value]) => value),
        stuck: () => services.services.stuck(),
        reserved: () => scheduler.placement.reserved(),
        admissions: () => scheduler.hosts.admissions(),
        schedulers: () => [
          {
            name: record.name,
            url: record.url,
            leads: true,
            heardMsAgo: 0,
            ...(settings.exposed && { exposed: settings.exposed }),
            ...troubleOf(auditLog),
            faults: processFaults(scheduler.agents.malformedMessages(), Date.now()),
          },
          ...peers.list(),
        ],
        cutHosts: () => scheduler.agents.cut(),
        unreadable: () => ledger.unreadable(),
        leftOut: leftOutNow,
        frozen: () => scheduler.leader.frozen(),
        unproven: () =>
          scheduler.containers.list().flatMap((container) => {
            const verdict = container.record === undefined ? scheduler.containers.verdict(container) : undefined;
            return verdict?.kind === 'unproven' ? [{ name: container.name, host: container.host, why: verdict.why }] : [];
          }),
        services: () => services.services.list,
      }),
    serviceSteps: services.listInSteps,
    stop: async () => {
      stopped.abort();
      consulNames?.[Symbol.dispose]();
      await ledger[Symbol.asyncDispose]();
    },
  };
}

/** Of one whose state is unknown the catalog keeps what it has, unless nothing reaches it. */
function namedHost({ name, record: { address }, state, isCutOff }: HostView): NamedHost {
  const isUnknown = state === 'suspect' || state === 'joining';
  return { name, address, state: isUnknown ? (isCutOff === true ? 'down' : 'joining') : state };
}

/** How long a host keeps a network without members: the next `docker run` is likely to want it. */
const NETWORK_LINGER_MS = 3_000;

const FROZEN =
  'the state store is unreachable, or another scheduler leads: running containers go on and can be inspected, but nothing can be changed until a leader is known';

function troubleOf({ trouble }: Pick<AuditLog, 'trouble'>): { readonly auditTrouble?: string } {
  const auditTrouble = trouble();
  return auditTrouble === undefined ? {} : { auditTrouble };
}

const newId = () => randomBytes(32).toString('hex');

const textOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
