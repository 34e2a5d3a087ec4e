/** A cluster as somebody has it whose role has a policy, whatever it may see: what it makes is judged before anybody is asked. */
import type { Cluster } from '../../contracts/index.ts';
import { type CreateRequest, labels } from '../../model/index.ts';
import { predefinedName } from '../../networks/index.ts';
import {
  type Identity,
  isAny,
  type Policy,
  refuseConnect,
  refuseCreate,
  refuseHostNetwork,
  refuseLabels,
  refuseNetwork,
  refuseVolume,
  type Role,
} from '../../security/index.ts';
import { hostPathsIn } from '../../text/mount-spec.ts';
import { isHereIn, obey } from './judge.ts';

/** What each role has to obey. Throws `unavailable`. */
export type PolicyOf = (role: Role) => Policy | undefined;

/** What one has to obey who makes something. */
export interface Policed {
  /** Throws `forbidden` with the problem, for who has a policy. */
  readonly obey: (problem: (policy: Policy) => string | undefined) => void;
  /** The request, with the label by which its host holds its binds to the policy. Throws `forbidden`. */
  readonly request: (request: CreateRequest) => CreateRequest;
}

export function policedBy({ role }: Identity, policyOf: PolicyOf, cluster: Pick<Cluster, 'images'>): Policed {
  const isHere = isHereIn(cluster);
  return {
    obey(problem) {
      const policy = policyOf(role);
      if (policy !== undefined) obey(role, problem(policy));
    },
    request(asked) {
      // what a service was made with comes back with its update
      const { [labels.bindPrefixes]: before, ...given } = asked.Labels ?? {};
      const request = before === undefined ? asked : { ...asked, Labels: given };
      const policy = policyOf(role);
      if (policy === undefined) return request;
      obey(role, refuseCreate(policy, request, isHere) ?? hostNetwork(policy, request));
      if (isAny(policy.binds) || hostPathsIn(request.HostConfig).length === 0) return request;
      return { ...request, Labels: { ...request.Labels, [labels.bindPrefixes]: JSON.stringify(policy.binds) } };
    },
  };
}

/** By its id as well, and as an endpoint: names of the network of every host that is the host's own. */
function hostNetwork(
  policy: Policy,
  { HostConfig, NetworkingConfig }: Pick<CreateRequest, 'HostConfig' | 'NetworkingConfig'>,
): string | undefined {
  const named = [HostConfig?.NetworkMode ?? '', ...Object.keys(NetworkingConfig?.EndpointsConfig ?? {})];
  const host = named.find((one) => predefinedName(one) === 'host');
  return host === undefined ? undefined : refuseHostNetwork(policy, host);
}

/** Of who sees everything. */
export function policedCluster(all: Cluster, policed: Policed): Cluster {
  return {
    ...all,
    containers: {
      ...all.containers,
      create: async (create) => await all.containers.create({ ...create, request: policed.request(create.request) }),
    },
    replicas: { ...all.replicas, creating: async (request, act) => await all.replicas.creating(policed.request(request), act) },
    services: {
      ...all.services,
      async create(record, registryAuth) {
        const template = { ...record.template, request: policed.request(record.template.request) };
        return await all.services.create({ ...record, template }, registryAuth);
      },
      async update(reference, change, progress) {
        const { template } = change;
        const judged = template && { template: { ...template, request: policed.request(template.request) } };
        return await all.services.update(reference, { ...change, ...judged }, progress);
      },
    },
    networks: {
      ...all.networks,
      async create(request, requestId) {
        policed.obey((policy) => refuseNetwork(policy, request.Driver, request.Options) ?? refuseLabels(policy, request.Labels));
        return await all.networks.create(request, requestId);
      },
      async connect(reference, container, endpoint) {
        policed.obey((policy) => refuseConnect(policy, endpoint));
        if (predefinedName(reference) === 'host') policed.obey((policy) => refuseHostNetwork(policy, reference));
        await all.networks.connect(reference, container, endpoint);
      },
    },
    volumes: {
      ...all.volumes,
      async create(request) {
        policed.obey((policy) => refuseVolume(policy, request.Driver, request.DriverOpts) ?? refuseLabels(policy, request.Labels));
        return await all.volumes.create(request);
      },
    },
  };
}
