/**
 * The deciding half of a create: what the container is, where it goes, which addresses and names it takes. Reads the ledger and the view as they
 * are now, and begins the commits in the same tick, so that two requests never choose the same. Waits for nothing.
 */
import { published } from '../networks/publish-mode.ts';
import {
  ArpanetError,
  type ContainerRecord,
  type ContainerView,
  type CreateContainer,
  type CreateRequest,
  type Decision,
  type LeaseRecord,
  type NetworkRecord,
  deploymentIn,
  isKind,
  keys,
  unameArch,
} from '../../model/index.ts';
import { namesNoNetwork } from '../../networks/index.ts';
import type { Change } from '../../store/ledger/contract.ts';
import { type Core, networkRecords } from '../core.ts';
import { sizeOfImage } from '../view/image-index.ts';
import { addressesOf, occupantOf, offerFor, parentLinksOf } from './claim-addresses.ts';
import { type Gathering, gatheringFor } from '../containers/gather.ts';
import { asInspected } from './identify-recreated.ts';
import { checkedName, type Identity, identify } from './identify.ts';
import { boundLinksOf, eachOnce, linksIn, parseLink } from './identify-networks.ts';
import { linkedHostsOf, linkVariables } from './link-env.ts';
import { madeUpName } from './random-names.ts';
import type { Platforms } from '../images/platforms.ts';
import type { Addresses } from '../networks/addresses.ts';
import type { Overlays } from '../networks/overlays.ts';
import { chargeFor } from '../placement/load.ts';
import { type ChosenPorts, choosePorts } from '../placement/choose-ports.ts';
import { keptDecision, placeIn, placementRequest } from '../placement/index.ts';
import type { HostSnapshot } from '../placement/snapshot.ts';
import { unreachedWarnings } from '../networks/http-claims.ts';
import { portHolders, portWarnings, refusedPort } from '../networks/port-claims.ts';
import { beginImplicit, implicitNetwork, refuseOfBridge } from '../networks/networks.ts';
import { findNetwork, resolveContainer } from '../view/resolve-container.ts';
import type { PromisedHosts } from '../placement/promised-hosts.ts';
import { refuseAsked, refuseAskedMounts } from '../create-refusals.ts';
import type { Refusals } from './refusals.ts';
import type { JoinedNetwork } from './rewrite.ts';
import { filledIn, filledNeeds, type TemplateFacts } from './templates.ts';
import type { UndoStack } from './undo.ts';
import { volumeFacts } from '../volumes/project-volumes.ts';
import { placeVolumes } from '../volumes/volume-places.ts';
import type { Volumes } from '../volumes/volumes.ts';
import { familiarReference } from '../../text/image-reference.ts';

/** A create, and what only this room asks of it. */
export interface Creation extends CreateContainer {
  /** The record of a container that is lost with its host: the new one has its name, number, addresses and networks. */
  readonly replacementOf?: ContainerRecord;
  /** They did not answer it: others come first. */
  readonly avoid?: ReadonlySet<string>;
  /** What can be made again elsewhere for it was. */
  readonly hasGathered?: boolean;
}

export interface Claimed {
  readonly record: ContainerRecord;
  /** The record's, with its templates filled in. */
  readonly request: CreateRequest;
  readonly identity: Identity;
  readonly networks: readonly JoinedNetwork[];
  /** Engine ids of the containers referred to. */
  readonly refs: ReadonlyMap<string, string>;
  /** Volumes that had a record before: to be made with what it says. */
  readonly knownVolumes: readonly string[];
  /** For the client, a sentence each. */
  readonly warnings: readonly string[];
  /** Resolves when the store has it all; rejects with `conflict` when somebody was faster. */
  readonly committed: Promise<void>;
}

export interface ClaimParts {
  readonly core: Core;
  readonly platforms: Pick<Platforms, 'of'>;
  readonly volumes: Volumes;
  readonly overlays: Overlays;
  readonly refusals: Refusals;
  readonly addresses: Pick<Addresses, 'idleSince'>;
  readonly promisedHosts: PromisedHosts;
}

/**
 * `exposed`: container ports that `-P` publishes, `80/tcp`. `occupied`: a lease that must be taken back before, as it is idle and wanted here; nothing has
 * begun then. `gathering`: the same of containers that must be made again elsewhere before.
 */
export type Claim = (
  create: Creation,
  undo: UndoStack,
  exposed: readonly string[],
) => Claimed | { readonly occupied: LeaseRecord } | { readonly gathering: Gathering };

interface Decided {
  readonly decision: Decision;
  readonly ports?: ChosenPorts;
  readonly warnings: readonly string[];
}

interface Targets {
  readonly refs: ReadonlyMap<string, string>;
  readonly mustBeWith: readonly { readonly container: string; readonly host: string | undefined; readonly because: string }[];
}

/** Names that a container cannot have now, for a person. Throws `conflict` in Docker's words. */
export function refuseTaken(core: Core, name: string): void {
  const record = core.deps.ledger.get<ContainerRecord>(keys.container(name));
  const stranger = core.view.named(name)[0];
  if (record === undefined && stranger === undefined) return;
  const holder = record?.id ?? stranger?.id ?? 'that is being created';
  throw new ArpanetError(
    'conflict',
    `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
  );
}

/** One is made again on a named host only before its first start. */
const NOT_STARTED = { isUnstarted: true } as const;

const hasNoVolumes = ({ facts }: ContainerView): boolean => (facts.inspect.Mounts ?? []).length === 0;

export function createClaim({ core, platforms, volumes, overlays, refusals, addresses, promisedHosts }: ClaimParts): Claim {
  const { deps, view, images, recordIndex, summaries, echoes, commit } = core;
  const { dhcp, ledger } = deps;
  function nameOf(wanted: string | undefined): string {
    if (wanted === undefined) {
      return madeUpName(deps.random, (name) => ledger.get(keys.container(name)) !== undefined || view.named(name).length > 0);
    }
    const name = checkedName(wanted);
    refuseTaken(core, name);
    return name;
  }

  function canResolve(reference: string): boolean {
    try {
      return resolveContainer(reference, view) !== undefined;
    } catch (error) {
      if (isKind(error, 'not-found')) return false;
      throw error;
    }
  }

  function targetsOf(identity: Identity, isReplacement: boolean): Targets {
    const refs = new Map<string, string>();
    for (const { target } of isReplacement ? [] : identity.boundLinks) {
      if (!canResolve(target)) throw new ArpanetError('invalid', `could not get container for ${target}: No such container: ${target}`);
      if (containerNamed(target)?.facts.inspect.HostConfig?.NetworkMode === 'host')
        throw new ArpanetError(
          'invalid',
          "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
        );
    }
    const mustBeWith = identity.together.flatMap(({ container: reference, because }) => {
      if (because === 'volumes_from' && !canResolve(reference)) throw new ArpanetError('invalid', `No such container: ${reference}`);
      // an Engine looks for the others at start
      if (!canResolve(reference)) return [];
      const container = resolveContainer(reference, view);
      // one without volumes has nothing to give: wherever it is, it need not be near
      const isIdle = because === 'volumes_from' && hasNoVolumes(container);
      refs.set(reference, isIdle ? '' : container.id);
      return isIdle ? [] : [{ container: container.name, host: container.host, because }];
    });
    return { refs, mustBeWith };
  }

  function decide(
    create: Creation,
    name: string,
    identity: Identity,
    targets: Targets,
    exposed: readonly string[],
  ): Decided | { readonly gathering: Gathering } {
    const reference = create.request.Image ?? '';
    const image = images.find(reference);
    if (reference === '') throw new ArpanetError('invalid', 'no image specified: the request has no "Image"');
    // With no host alive nobody knows which images there are: then placement says so.
    const pool = summaries.pool();
    const isAnyAlive = pool.isAnyAlive();
    if (image === undefined && isAnyAlive) throw new ArpanetError('not-found', `No such image: ${familiarReference(reference)}`);
    refuseAskedMounts(volumes, identity, create.request);
    const facts = {
      name,
      platform: create.platform || platforms.of(image?.id ?? ''),
      ...volumeFacts(volumes, identity.volumes, create.request),
      mustBeWith: targets.mustBeWith,
      imageHosts: image?.holders ?? new Set(),
      imageBytes: sizeOfImage(images, image),
      parentLinks: parentLinksOf(deps, identity),
      replacesAt: containerNamed(identity.replaces)?.host,
    };
    const wanted = { ...placementRequest(identity, create.request, facts), ...(create.on === undefined ? {} : { only: create.on }) };
    const nowMs = deps.now();
    const options = { strategy: deps.settings.strategy, nowMs, random: deps.random };
    const isLast = (host: HostSnapshot): boolean =>
      host.state === 'alive' && (create.avoid?.has(host.name) === true || echoes.isSilent(host.name));
    const promised = promisedHosts.of(name);
    const placement = placeIn(wanted, pool, options, isLast, promised === undefined ? [] : [promised]);
    if (placement.kind === 'refused') {
      const hosts = wanted.mustBeWith.flatMap(({ host = '' }) => pool.get(host) ?? []);
      const gathering = create.hasGathered === true ? undefined : gatheringFor(wanted, hosts, view);
      if (gathering !== undefined) return { gathering };
      promisedHosts.gather(wanted, hosts);
      refusals.keep(name, placement, deps.settings.strategy, nowMs);
      throw new ArpanetError(isAnyAlive ? 'unplaceable' : 'unavailable', placement.message);
    }
    const decision = promisedHosts.kept(name, placement.decision);
    const chosen = pool.get(decision.host);
    if (chosen !== undefined) summaries.charge(chosen.name, chargeFor(wanted, chosen, nowMs));
    if (identity.mode.kind === 'container' || (identity.mode.kind === 'native' && identity.mode.name !== 'bridge'))
      return { decision, warnings: [] };
    const { isPublishing } = deps.settings;
    const holders = portHolders(view, recordIndex.unseen);
    const { chosen: ports, isExhausted } = choosePorts({
      bindings: create.request.HostConfig?.PortBindings,
      exposed,
      holders,
      host: decision.host,
      isAtOneAddress: isPublishing,
      replaces: identity.replaces,
      random: deps.random,
    });
    if (isExhausted) throw refusedPort(name, deps.newId(), 'all ports are allocated');
    return {
      decision,
      ...(ports === undefined ? {} : { ports }),
      warnings: isPublishing ? [] : portWarnings(wanted, holders, decision.host),
    };
  }

  /** What is of no project has a network that nobody can name. */
  function networkWanted({ reference, implicit }: Identity['networks'][number], deployment: string): NetworkRecord | undefined {
    const own = implicit ? implicitNetwork(deps, deployment) : undefined;
    return own ?? (implicit && deployment === 'default' ? undefined : findNetwork(reference, networkRecords(deps)));
  }

  /** The networks wanted, each once; an implicit one that does not exist yet is begun. */
  function networksFor(
    identity: Identity,
    commits: Promise<void>[],
  ): readonly { readonly record: NetworkRecord; readonly wanted: Identity['networks'][number] }[] {
    const records = new Map<string, NetworkRecord>();
    for (const wanted of identity.networks) {
      let record = networkWanted(wanted, identity.deployment);
      if (wanted.implicit && identity.deployment === 'default') refuseOfBridge(wanted.endpoint);
      if (record === undefined && !wanted.implicit) throw new ArpanetError('invalid', `network ${wanted.reference} not found`);
      if (record === undefined) {
        const begun = beginImplicit(core, identity.deployment);
        record = begun.record;
        commits.push(begun.committed);
      }
      records.set(wanted.reference, record);
    }
    return eachOnce(identity.networks, (reference) => records.get(reference)?.id ?? reference).flatMap(({ id, wanted }) => {
      const record = [...records.values()].find((candidate) => candidate.id === id);
      return record === undefined ? [] : [{ record, wanted }];
    });
  }

  function containerNamed(reference: string | undefined): ContainerView | undefined {
    try {
      return reference === undefined ? undefined : resolveContainer(reference, view);
    } catch {
      return undefined; // it was removed meanwhile: then there is nothing to replace
    }
  }

  /** What the lost one was, in the networks that it was in. */
  function asReplacement(identity: Identity, old: ContainerRecord): Identity {
    const { deployment, service, number, addresses, unaddressed = [], links, connected = {} } = old;
    const asked = identity.networks.flatMap((wanted): Identity['networks'] => {
      const { id = '' } = networkWanted(wanted, deployment) ?? {};
      return addresses[id] !== undefined ? [{ ...wanted, ip: addresses[id] }] : unaddressed.includes(id) ? [wanted] : [];
    });
    const joined = Object.entries(connected).flatMap(([reference, endpoint]): Identity['networks'] => {
      const ip = addresses[reference];
      if (ip === undefined) return [];
      const { Aliases, Links } = endpoint;
      return [{ reference, implicit: false, ip, aliases: Aliases ?? [], links: (Links ?? []).map(parseLink), endpoint }];
    });
    return { ...identity, deployment, service, number, links, networks: [...asked, ...joined], ...(old.id && { replaces: old.id }) };
  }

  /** A link from the Engine's bridge to a container of the default network means that network: there it is reached, wherever it is. */
  function reachable(create: Creation): Creation {
    const { HostConfig } = create.request;
    if (HostConfig?.NetworkMode !== 'bridge') return create;
    const isThere = boundLinksOf(create.request).some(({ target }) => {
      const record = containerNamed(target)?.record;
      return record !== undefined && namesNoNetwork(record.request);
    });
    return isThere ? { ...create, request: { ...create.request, HostConfig: { ...HostConfig, NetworkMode: 'default' } } } : create;
  }

  function platformOf(name: string): TemplateFacts['host'] {
    const facts = view.host(name)?.facts;
    return { name, arch: unameArch(facts), os: facts?.os ?? '' };
  }

  /** The networks that are meant: of one that is made again from its inspect, those that it was on. And the ports: one that takes another's place publishes what that did. */
  function meant(create: Creation): Creation {
    const routes = () => view.hosts().flatMap(({ facts }) => facts?.routes ?? []);
    const request = asInspected(create.request, { deployment: deploymentIn(create.request.Labels ?? {}), routes });
    const open = create.replacementOf === undefined ? published(request, deps.settings.publishMode) : request;
    return reachable(open === create.request ? create : { ...create, request: open });
  }

  return (asSent, undo, exposed) => {
    const create = meant(asSent);
    const old = create.replacementOf;
    const name = old?.name ?? nameOf(create.name);
    const taken = (service: string, deployment: string): readonly number[] =>
      core.recordIndex.ofService(deployment, service).map((other) => other.number);
    const nonce = deps.newId();
    const written = identify({ name, request: create.request, taken });
    const asked = { ...written, ...filledNeeds(create.request, { ...written, nonce }) };
    const wanted = old === undefined ? asked : asReplacement(asked, old);
    const targets = targetsOf(wanted, old !== undefined);
    refuseAsked(core, { identity: wanted, request: create.request, isReplacement: old !== undefined });
    const decided = decide(create, name, wanted, targets, exposed);
    if ('gathering' in decided) return decided;
    const { decision, ports } = decided;
    const { host } = decision;
    const occupied = occupantOf(deps, wanted, { owner: name, host }, addresses.idleSince);
    if (occupied !== undefined) return { occupied };
    const facts: TemplateFacts = { ...wanted, nonce, host: platformOf(host) };
    const request = filledIn(create.request, facts);
    const identity = { ...wanted, ...filledNeeds(create.request, facts) };
    const commits: Promise<void>[] = [];
    const begun: string[] = [];
    undo.push('networks of the host', () => Promise.all(begun.map((network) => overlays.tidy(network, [host]))), 'ofHost');
    try {
      const offers: Change[] = [];
      const networks = networksFor(identity, commits).map(({ record, wanted }): JoinedNetwork => {
        begun.push(record.id);
        const gateway = dhcp.leases.planGateway(record.id, host);
        commits.push(commit(gateway.changes));
        const at = overlays.gatewayFor(record, host, gateway.ip);
        const before = wanted.ip === undefined ? undefined : dhcp.leases.leasesOf(record.id).find((lease) => lease.ip === wanted.ip);
        const offer = offerFor(deps, record.id, { owner: name, host, wanted: wanted.ip, isNew: true }, old === undefined);
        if (offer === undefined) return { record, ip: undefined, gateway: at, wanted };
        offers.push(...offer.changes);
        undo.push(`address ${offer.ip}`, () => {
          if (old !== undefined && before !== undefined)
            return commit([{ kind: 'put', key: keys.lease(record.id, offer.ip), value: before }]);
          return commit(dhcp.leases.planRelease(record.id, offer.ip, name));
        });
        return { record, ip: offer.ip, gateway: at, wanted };
      });
      const warnings = [...decided.warnings, ...unreachedWarnings(create.request.Labels, networks)];
      const variables = linkVariables(name, identity, networks, containerNamed);
      const linkedHosts = linkedHostsOf(identity, containerNamed);
      const record: ContainerRecord = {
        name,
        host,
        deployment: identity.deployment,
        service: identity.service,
        number: identity.number,
        ...addressesOf(networks),
        aliases: Object.fromEntries(networks.map((network) => [network.record.id, network.wanted.aliases])),
        links: old === undefined ? linksIn(create.request, networks) : identity.links,
        ...(variables.length === 0 ? {} : { linkEnv: variables }),
        ...(linkedHosts.length === 0 ? {} : { linkedHosts }),
        request: create.request,
        ...(ports === undefined ? {} : { ports }),
        ...(create === asSent ? {} : { networkModeSent: asSent.request.HostConfig?.NetworkMode ?? '' }),
        decision: keptDecision(decision),
        createdAtMs: deps.now(),
        requestId: create.requestId,
        nonce,
        ...(old?.id === undefined ? {} : { movedFrom: { id: old.id, host: old.host, atMs: deps.now(), ...(create.on && NOT_STARTED) } }),
        ...(old?.connected === undefined ? {} : { connected: old.connected }),
      };
      const place = placeVolumes(core, volumes, identity.volumes, host, undo);
      const kind = old === undefined ? 'create' : 'put';
      commits.push(commit([{ kind, key: keys.container(name), value: record }, ...offers, ...place.changes]));
      undo.push(`name ${name}`, async () => {
        const key = keys.container(name);
        const present = ledger.get<ContainerRecord>(key);
        const isOurs = present?.requestId === record.requestId && present?.createdAtMs === record.createdAtMs;
        if (isOurs) await commit([old === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: old }]);
      });
      return { record, request, identity, networks, refs: targets.refs, knownVolumes: place.known, warnings, committed: all(commits) };
    } catch (error) {
      for (const begun of commits) begun.catch(() => undefined);
      throw error;
    }
  };
}

/** Waits for all of them, so that nothing is under way when an undo begins; then rejects with the first failure. */
async function all(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
