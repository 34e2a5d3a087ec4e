/** Makes store and Engines agree again: after an election, when a host comes back, and when a container goes by itself. Effects. */
import {
  type ContainerRecord,
  type ContainerView,
  keys,
  type LabelClaim,
  type LeaseRecord,
  type NetworkRecord,
  recordOfClaim,
} from '../../model/index.ts';
import { LRUCache } from 'lru-cache';
import type { Change } from '../../store/ledger/contract.ts';
import { type Adoption, adoptions, engineName } from './adopt-plan.ts';
import { claimOf } from './judge.ts';
import { connectOn } from '../networks/endpoints.ts';
import { commitInPieces, type Core, lostNotes, networkRecords } from '../core.ts';
import { type Lifecycle, renameChanges } from './lifecycle.ts';
import type { Lost } from '../loss/lost-containers.ts';
import type { CreatesInProgress } from '../create/creates-in-progress.ts';
import type { Attach } from '../networks/attach.ts';
import type { Overlays } from '../networks/overlays.ts';

const ENGINE_TIMEOUT_MS = 10_000;
/** A client's own connect or disconnect is between record and Engine for a moment. */
const APART_MS = 2_000;
const REPORTED_KEPT = 1_000;

export interface Adopt {
  /** Compares one host's records with its containers and acts. One run at a time for each host. False: something could not be done yet. */
  host(host: string): Promise<boolean>;
  /** Gives back leases that no record holds, and takes networks away where nobody is in them. */
  leftovers(): Promise<void>;
}

export interface AdoptParts {
  readonly core: Core;
  readonly overlays: Overlays;
  readonly lifecycle: Lifecycle;
  readonly lost: Lost;
  readonly creates: Pick<CreatesInProgress, 'names'>;
  readonly attach: Pick<Attach, 'addressRunning'>;
}

export function createAdopt({ core, overlays, lifecycle, lost, creates, attach }: AdoptParts): Adopt {
  const { deps, view, engines, syncs, keyed, commit, judge } = core;
  const { ledger, dhcp, log } = deps;
  /** By host: running containers that are off a network of theirs, and since when. */
  const apart = new Map<string, ReadonlyMap<string, number>>();
  /** Ids of containers whose labels prove nothing. */
  const reported = new LRUCache<string, true>({ max: REPORTED_KEPT });

  async function act(host: string, step: Adoption): Promise<void> {
    switch (step.do) {
      case 'forget':
        if (await isGone(host, step.record.id ?? '')) await lifecycle.forget(step.record);
        return;
      case 'bind': {
        const record = ledger.get<ContainerRecord>(keys.container(step.record.name));
        if (record === undefined || record.id !== undefined) return;
        const binds = Object.entries(record.addresses).flatMap(([network, ip]) => dhcp.leases.planBind(network, ip));
        await commit([{ kind: 'put', key: keys.container(record.name), value: { ...record, id: step.id } }, ...binds]);
        return;
      }
      case 'undo':
        return step.record.movedFrom === undefined ? lifecycle.forget(step.record) : lost.restore(step.record);
      case 'rename':
        return commit(renameChanges(core, step.from, { ...step.from, name: step.to }));
      case 'rejoin':
        return rejoin(host, step);
      case 'address': {
        const container = view.byId(step.id);
        if (container?.record?.unaddressed !== undefined && container.facts.inspect.State.Running) await attach.addressRunning(container);
        return;
      }
      case 'remove':
        if (view.byId(step.id)?.record !== undefined) return;
        await engines.json(host, { method: 'DELETE', path: `/containers/${step.id}?force=1&v=1`, timeoutMs: ENGINE_TIMEOUT_MS });
        await syncs.sync(host, { containers: [step.id] });
        return;
      case 'rebuild': {
        const changes = rebuild(step.container, step.claim);
        if (changes === undefined)
          log.warn({ container: step.container.name, host }, 'a managed container has no record, and none can be made from its labels');
        else await commit(changes);
        return;
      }
      default:
        step satisfies never;
    }
  }

  /** By the record of now: a client may have taken it off itself meanwhile. */
  async function rejoin(host: string, { record: { name }, id, addresses }: Extract<Adoption, { do: 'rejoin' }>): Promise<void> {
    for (const [network, ip] of Object.entries(addresses)) {
      const record = ledger.get<ContainerRecord>(keys.container(name));
      const there = ledger.get<NetworkRecord>(keys.network(network));
      if (record?.id !== id || record.addresses[network] !== ip || there === undefined) continue;
      const wanted = { network: there, host, asked: record.connected?.[network] ?? {}, at: { container: id, ip } };
      await connectOn(core, overlays, wanted, ENGINE_TIMEOUT_MS);
    }
    await syncs.sync(host, { containers: [id] });
  }

  /** The view may be older than the record. */
  async function isGone(host: string, id: string): Promise<boolean> {
    return (await engines.status(host, { method: 'GET', path: `/containers/${id}/json`, timeoutMs: ENGINE_TIMEOUT_MS })) === 404;
  }

  function rebuild(container: ContainerView, claim: LabelClaim): readonly Change[] | undefined {
    const { addresses } = claim;
    const { inspect } = container.facts;
    const name = engineName(container);
    const taken = ledger.get(keys.container(name)) !== undefined;
    const leases = Object.entries(addresses).flatMap(([network, ip]): LeaseRecord[] => {
      if (ledger.get(keys.network(network)) === undefined || ledger.get(keys.lease(network, ip)) !== undefined) return [];
      return [
        { ip, network, kind: 'instance', owner: name, host: container.host, state: 'bound', sinceMs: deps.now(), epoch: deps.leader.epoch },
      ];
    });
    if (taken || leases.length !== Object.keys(addresses).length) return undefined;
    const made = { strategy: 'rebuilt', atMs: deps.now() };
    const record = recordOfClaim(claim, { name, host: container.host, inspect }, made);
    const gateways = leases.flatMap((lease) => dhcp.leases.planGateway(lease.network, container.host).changes);
    return [
      { kind: 'create', key: keys.container(name), value: record },
      ...leases.map((lease) => ({ kind: 'create', key: keys.lease(lease.network, lease.ip), value: lease }) as const),
      ...gateways,
    ];
  }

  /** Each once. */
  function reportUnproven(host: string): void {
    for (const { id, name, record, facts } of view.containersOn(host)) {
      const verdict = record === undefined && !reported.has(id) ? judge(host, facts.inspect) : undefined;
      if (verdict?.kind !== 'unproven') continue;
      reported.set(id, true);
      log.warn({ host, container: name }, `a container ${verdict.why}: it counts as one that arpanet did not make`);
    }
  }

  async function reconcile(host: string): Promise<boolean> {
    if (view.host(host)?.state !== 'alive') return true;
    let isDone = await lost.returned(host);
    const records = core.recordIndex.onHost(host);
    reportUnproven(host);
    const steps = adoptions(records, view.containersOn(host), creates.names, (container) => claimOf(judge, container), host);
    const before = apart.get(host);
    apart.set(
      host,
      new Map(steps.flatMap((step) => (step.do === 'rejoin' ? [[step.id, before?.get(step.id) ?? deps.now()] as const] : []))),
    );
    for (const step of steps) {
      if (core.lost.aborted) return true;
      if (step.do === 'rejoin' && deps.now() - (apart.get(host)?.get(step.id) ?? 0) < APART_MS) {
        isDone = false;
        continue;
      }
      try {
        log.info({ host, step: step.do, container: 'record' in step ? step.record.name : 'to' in step ? step.to : undefined }, 'adopting');
        await act(host, step);
      } catch (error) {
        isDone = false;
        log.warn({ host, step: step.do, err: error }, 'could not reconcile a container; trying again later');
      }
    }
    const unowned = view.networksOn(host).filter(({ network }) => dhcp.leases.gatewaysOf(network)[host] === undefined);
    await Promise.all(unowned.map(({ network }) => overlays.takeOff(network, [host])));
    return isDone;
  }

  return {
    host: (host) => keyed.serial(`adopt/${host}`, () => reconcile(host)),
    async leftovers() {
      const kept = new Set(
        lostNotes(deps).flatMap(({ addresses }) => Object.entries(addresses).map(([network, ip]) => keys.lease(network, ip))),
      );
      // of an owner whose record cannot be read nobody knows which addresses it has
      const aside = new Set(ledger.unreadable().map(({ key }) => key));
      const stray = ledger.list<LeaseRecord>(keys.leases).flatMap(([, lease]) => {
        if (lease.kind !== 'instance' || lease.state === 'resting' || aside.has(keys.container(lease.owner))) return [];
        if (kept.has(keys.lease(lease.network, lease.ip))) return [];
        const owner = ledger.get<ContainerRecord>(keys.container(lease.owner));
        return owner?.addresses[lease.network] === lease.ip ? [] : dhcp.leases.planRelease(lease.network, lease.ip, lease.owner);
      });
      await commitInPieces(commit, stray);
      for (const network of networkRecords(deps)) {
        await overlays.tidy(network.id, Object.keys(dhcp.leases.gatewaysOf(network.id)));
      }
    },
  };
}
