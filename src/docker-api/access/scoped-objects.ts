/** The containers, networks, volumes and secrets of a cluster as somebody who is limited to deployments has them: nothing else exists, and nothing else can be named. */
import type { Cluster, Containers, Networks, Secrets, Volumes } from '../../contracts/index.ts';
import {
  ArpanetError,
  type ClusterNetwork,
  composeLabels,
  type ContainerView,
  type CreateContainer,
  type CreateRequest,
  deploymentIn,
  isKind,
  labels,
} from '../../model/index.ts';
import { isSharedBridge, predefinedName } from '../../networks/index.ts';
import { type Identity, refuseConnect, refuseHostNetwork, refuseLabels, refuseNetwork, refuseVolume } from '../../security/index.ts';
import { meantBy } from '../../text/references.ts';
import { type Policed, policedBy, type PolicyOf } from './policed.ts';
import { referencesIn } from './references-in.ts';
import type { Visible } from './visible.ts';

/** What is asked of it is somebody's own. */
export interface Own {
  readonly container: (reference: string) => ContainerView;
  readonly network: (reference: string) => ClusterNetwork;
  /** Throws `forbidden` for labels of a deployment that is not one of its. */
  readonly labels: (what: string, given: Readonly<Record<string, string>> | null | undefined) => void;
  /** Throws `forbidden` with the problem, for who has a policy. */
  readonly policed: Policed['obey'];
  /** The request as the policy wants it. Throws `not-found` and `conflict` for what the request names of other deployments, `forbidden` for its deployment. */
  readonly request: (what: string, request: CreateRequest) => CreateRequest;
  /** The same of a create that would come after networks of these names and its secrets were made. */
  readonly rehearsal: (request: CreateRequest, networks: readonly string[]) => void;
}

/** Throws in the words for what does not exist. */
export function ownOf(cluster: Cluster, visible: Visible, identity: Identity, policyOf: PolicyOf): Own {
  const { name, deployments = [] } = identity;
  const policed = policedBy(identity, policyOf, cluster);
  const container = (reference: string): ContainerView => {
    try {
      const found = cluster.containers.one(reference);
      if (visible.container(found)) return found;
    } catch (error) {
      if (!isKind(error, 'not-found', 'invalid')) throw error;
    }
    const [found, another] = visible.containersCalled(reference);
    if (another !== undefined) throw new ArpanetError('invalid', `multiple IDs found with provided prefix: ${reference}`);
    if (found === undefined) throw new ArpanetError('not-found', `No such container: ${reference}`);
    return found;
  };
  const network = (reference: string): ClusterNetwork => {
    const own = cluster.networks.list().filter((one) => visible.network(one));
    const [found, another] = meantBy(reference, own, ({ record }) => record);
    if (another !== undefined) throw new ArpanetError('invalid', `network ${reference} is ambiguous (2 matches found on ID prefix)`);
    if (found === undefined) throw new ArpanetError('not-found', `network ${reference} not found`);
    return found;
  };
  const ofDeployment: Own['labels'] = (what, given) => {
    const deployment = deploymentIn(given ?? {});
    if (visible.deployment(deployment)) return;
    throw new ArpanetError(
      'forbidden',
      `${name} may change the deployment${deployments.length === 1 ? '' : 's'} ${deployments.join(', ')}: ${what} of "${deployment}" is refused (the label ${composeLabels.project} or ${labels.deployment} says which)`,
    );
  };
  const volume = (reference: string): void => {
    const found = cluster.volumes.list().find((one) => one.name === reference);
    if (found !== undefined && !visible.volume(found)) throw nameTaken('volume', reference);
  };
  const own: Own = {
    container,
    network,
    labels: ofDeployment,
    policed: policed.obey,
    rehearsal(request, networks) {
      const isNew = (name: string): boolean =>
        networks.includes(name) && !cluster.networks.list().some(({ record }) => record.name === name);
      const { [labels.files]: _secrets, ...rest } = request.Labels ?? {};
      const endpoints = Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {}).filter(([name]) => !isNew(name));
      const mode = request.HostConfig?.NetworkMode ?? '';
      own.request('a container', {
        ...request,
        Labels: rest,
        HostConfig: { ...request.HostConfig, ...(isNew(mode) && { NetworkMode: 'default' }) },
        NetworkingConfig: { ...request.NetworkingConfig, EndpointsConfig: Object.fromEntries(endpoints) },
      });
    },
    request(what, request) {
      ofDeployment(what, request.Labels);
      const obedient = policed.request(request);
      const named = referencesIn(request);
      const replaces = request.Labels?.[composeLabels.replace];
      for (const reference of [...named.containers, ...(replaces ? [replaces] : [])]) container(reference);
      for (const reference of named.networks) network(reference);
      for (const reference of named.volumes) volume(reference);
      for (const mount of request.HostConfig?.Mounts ?? []) {
        const given = (mount['VolumeOptions'] as { readonly Labels?: Readonly<Record<string, string>> | null } | null | undefined)?.Labels;
        if (given) ofDeployment('a volume', { ...request.Labels, ...given });
      }
      secretFiles(cluster, visible, request.Labels?.[labels.files]);
      return obedient;
    },
  };
  return own;
}

/** The label that puts files into a container names secrets by their ids. It is read as who obeys it reads it (services/secret-files). */
function secretFiles(cluster: Cluster, visible: Visible, label: string | undefined): void {
  if (!label) return;
  const own = new Set((['secret', 'config'] as const).flatMap((kind) => kept(cluster.secrets, visible, kind).map(({ id }) => id)));
  for (const id of idsIn(label))
    if (typeof id !== 'string' || !own.has(id)) throw new ArpanetError('not-found', `secret ${String(id)} not found`);
}

function idsIn(label: string): readonly unknown[] {
  try {
    const files: unknown = JSON.parse(label);
    return Array.isArray(files) ? files.map((file) => (file as { readonly id?: unknown } | null)?.id) : [];
  } catch {
    return [];
  }
}

const kept = (secrets: Secrets, visible: Visible, kind: Parameters<Secrets['list']>[0]) =>
  secrets.list(kind).filter((record) => visible.labels(record.labels));

const nameTaken = (kind: string, name: string): ArpanetError =>
  new ArpanetError('conflict', `the ${kind} name "${name}" is in use in this cluster: choose another`);

/** `createContainer`: as the cluster creates it, once everything in it is somebody's own. */
export function scopedContainers(all: Containers, visible: Visible, own: Own): Containers {
  return {
    list: visible.containers,
    one: own.container,
    async awaitCreate(reference) {
      await all.awaitCreate(reference);
      try {
        return own.container(reference) !== undefined;
      } catch (error) {
        if (isKind(error, 'not-found')) return false;
        throw error;
      }
    },
    // of one that cannot be seen nobody knows here whose it is
    abandonCreate: async () => false,
    async create(create: CreateContainer) {
      const request = own.request('a container', create.request);
      return await all.create({ ...create, request }).catch((error: unknown) => {
        throw isKind(error, 'conflict') ? withoutHolder(error, visible) : error;
      });
    },
    withdrawn: (...given) => all.withdrawn(...given),
    release: (...given) => all.release(...given),
    async rename(container, name, act) {
      await all.rename(container, name, act).catch((error: unknown) => {
        throw isKind(error, 'conflict') ? withoutHolder(error, visible) : error;
      });
    },
    unlink: (...given) => all.unlink(...given),
    replaceLost: (...given) => all.replaceLost(...given),
    abandonLost: (...given) => all.abandonLost(...given),
    verdict: (...given) => all.verdict(...given),
  };
}

/** Names are the cluster's; whose one is, is nobody else's business. */
function withoutHolder(error: ArpanetError, visible: Visible): ArpanetError {
  const [, holder] = / by container "([^"]+)"/.exec(error.message) ?? [];
  if (holder === undefined || visible.hasContainer(holder)) return error;
  return new ArpanetError('conflict', error.message.replace(/ by container .*$/s, ' in this cluster: choose another.'), { cause: error });
}

/** Members of other deployments are left out. */
export function scopedNetworks(all: Networks, visible: Visible, own: Own): Networks {
  const idOf = (reference: string): string => (predefinedName(reference) === undefined ? own.network(reference).record.id : reference);
  const shown = (network: ClusterNetwork): ClusterNetwork => ({
    record: network.record,
    get members() {
      return network.members.filter(({ id }) => visible.hasContainer(id));
    },
  });
  return {
    idleSince: (...given) => all.idleSince(...given),
    list: () => all.list().flatMap((network) => (visible.network(network) ? [shown(network)] : [])),
    one: (reference) => shown(own.network(reference)),
    async create(request, requestId) {
      own.labels('a network', request.Labels);
      own.policed((policy) => refuseNetwork(policy, request.Driver, request.Options) ?? refuseLabels(policy, request.Labels));
      return await all.create(request, requestId);
    },
    async remove(reference, options) {
      const { record } = own.network(reference);
      if (isSharedBridge(record)) throw new ArpanetError('not-found', `network ${reference} not found`);
      await all.remove(record.id, options);
    },
    planAsked: (...given) => all.planAsked(...given),
    async connect(reference, container, endpoint) {
      own.policed((policy) => refuseConnect(policy, endpoint));
      if (predefinedName(reference) === 'host') own.policed((policy) => refuseHostNetwork(policy, reference));
      const EndpointsConfig = { [reference]: (endpoint ?? null) as Readonly<Record<string, unknown>> | null };
      const named = referencesIn({ NetworkingConfig: { EndpointsConfig } });
      for (const one of named.containers) own.container(one);
      await all.connect(idOf(reference), container, endpoint);
    },
    disconnect: async (reference, container, force) => await all.disconnect(idOf(reference), container, force),
    claimPorts: (...given) => all.claimPorts(...given),
    starting: (...given) => all.starting(...given),
  };
}

/** Names are the cluster's: one that is another's cannot be used, and is not shown. */
export function scopedVolumes(all: Volumes, visible: Visible, own: Own): Volumes {
  const one = (name: string) => {
    const found = all.list().find((volume) => volume.name === name);
    if (found === undefined || !visible.volume(found)) throw new ArpanetError('not-found', `get ${name}: no such volume`);
    return all.one(name);
  };
  return {
    list: () => all.list().filter((volume) => visible.volume(volume)),
    one,
    async create(request) {
      const found = request.Name ? all.list().find((volume) => volume.name === request.Name) : undefined;
      if (found !== undefined && !visible.volume(found)) throw nameTaken('volume', request.Name ?? '');
      if (found === undefined) own.labels('a volume', request.Labels);
      own.policed((policy) => refuseVolume(policy, request.Driver, request.DriverOpts) ?? refuseLabels(policy, request.Labels));
      return await all.create(request);
    },
    async remove(name, force) {
      one(name);
      await all.remove(name, force);
    },
  };
}

/** Secrets and configs of its deployments, by their labels. */
export function scopedSecrets(all: Secrets, visible: Visible, own: Own): Secrets {
  return {
    list: (kind) => kept(all, visible, kind),
    async create(kind, record) {
      own.labels(`a ${kind}`, record.labels);
      return await all.create(kind, record);
    },
    async relabel(record, given, version) {
      own.labels(`a ${record.kind}`, given);
      await all.relabel(record, given, version);
    },
    remove: (...given) => all.remove(...given),
  };
}
