/**
 * `GET /networks` and `GET /networks/{id}`: the cluster's networks in Docker's shape, and `bridge`, `host`, `none` once each.
 * https://github.com/moby/moby/blob/v26.1.5/daemon/network/filter.go
 */
import {
  ArpanetError,
  type ClusterNetwork,
  type ContainerView,
  type NetworkMember,
  type NetworkRecord,
  predefinedNetworks,
} from '../../model/index.ts';
import { isSharedBridge, shownLabels, shownScope } from '../../networks/index.ts';
import { each, fenced } from '../../telemetry/left-out.ts';
import type { Filters } from '../reads/filters.ts';
import { listOf } from '../reads/listed.ts';
import { engineError } from '../json/go-values.ts';
import { apiMinor } from '../../text/api-version.ts';
import { formatAddress, parseAddress, splitCidr } from '../../text/ipv4.ts';

export interface ShownNetwork {
  readonly Name: string;
  readonly Id: string;
  readonly Driver: string;
  readonly Scope: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Containers: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

function showNetwork(record: NetworkRecord, members: readonly NetworkMember[]): ShownNetwork {
  const prefix = splitCidr(record.cidr).prefix;
  const aux = Object.keys(record.auxAddresses).length > 0;
  return {
    ...bare(record.name, record.id, record.driver ?? 'bridge', new Date(record.createdAtMs).toISOString()),
    Scope: shownScope(record),
    EnableIPv6: record.ipv6?.isEnabled === true,
    IPAM: {
      Driver: 'default',
      Options: record.ipamOptions ?? null,
      Config: [
        {
          Subnet: record.cidr,
          ...(record.ipRange === undefined ? {} : { IPRange: record.ipRange }),
          ...gatewayOf(record),
          ...(aux ? { AuxiliaryAddresses: record.auxAddresses } : {}),
        },
        ...(record.ipv6 === undefined ? [] : [record.ipv6.config]),
      ],
    },
    Internal: record.internal,
    Attachable: record.attachable,
    Containers: showMembers(members, prefix),
    Options: record.options,
    Labels: shownLabels(record),
  };
}

/** Of a subnet that was asked for, Engines show only what was. */
function gatewayOf(record: NetworkRecord): { readonly Gateway?: string } {
  const { cidr, gateway = firstAddress(cidr), isSubnetAsked } = record;
  const isAsked = record.isGatewayShared === true ? record.isGatewayAsked === true : record.gateway !== undefined;
  return isAsked || isSubnetAsked !== true ? { Gateway: gateway } : {};
}

/** All networks: those that each host has of its own once, the cluster's as they are, and the shared bridge as a part of `bridge`. */
export function showNetworks(
  networks: readonly ClusterNetwork[],
  containers: readonly ContainerView[],
  newestVersion: string,
): readonly ShownNetwork[] {
  const shared = networks.find(({ record }) => isSharedBridge(record));
  const own = networks.filter((network) => network !== shared);
  return [...ofHosts(containers, newestVersion, shared), ...each(listOf('network'), own, ({ record }) => record.name, show)];
}

const nameOf = ({ name }: ContainerView): string => name;
const show = ({ record, members }: ClusterNetwork): ShownNetwork => showNetwork(record, members);

/** Their members are read off the containers. */
function ofHosts(containers: readonly ContainerView[], newestVersion: string, shared: ClusterNetwork | undefined): readonly ShownNetwork[] {
  // so Engines since 25.0 show what needs no addresses
  const noAddresses = apiMinor(newestVersion) >= 44 ? { IPAM: { Driver: 'default', Options: null, Config: null } } : {};
  const [spanning] = each(listOf('shared network'), shared === undefined ? [] : [shared], ({ record }) => record.name, show);
  return [...predefinedNetworks].map(([name, id]) => {
    const place = { kind: 'container', of: `the members of the network ${name}` };
    const members = fenced(place, containers, nameOf, (c) => {
      const endpoint = c.facts.inspect.NetworkSettings.Networks?.[name];
      if (endpoint === undefined || !c.facts.inspect.State.Running) return [];
      const { EndpointID: endpointId = '', MacAddress: mac = '', IPAddress: ip = '' } = endpoint;
      return [{ member: { id: c.id, name: c.name, endpointId, mac, ip, ipv6: '' }, prefix: `${endpoint.IPPrefixLen ?? 0}` }];
    });
    const shown = bare(name, id, name === 'none' ? 'null' : name, '1970-01-01T00:00:00Z');
    const native = Object.assign({}, ...[...members].map(({ member, prefix }) => showMembers([member], prefix))) as Record<string, unknown>;
    if (name !== 'bridge') return { ...shown, Containers: native, Options: {}, ...noAddresses };
    const addresses = spanning === undefined ? {} : { IPAM: spanning['IPAM'] };
    return { ...shown, ...addresses, Containers: { ...native, ...spanning?.Containers }, Options: bridgeOptions };
  });
}

/** Ids of the networks that containers of one of these hosts are on, and of those that every host has. */
export function networksOn(hosts: readonly string[], containers: readonly ContainerView[], known: readonly string[]): ReadonlySet<string> {
  const there = fenced(listOf('container'), containers, nameOf, ({ host, record }) =>
    hosts.includes(host) ? Object.keys(record?.addresses ?? {}) : [],
  );
  return new Set([...there, ...(known.some((host) => hosts.includes(host)) ? predefinedNetworks.values() : [])]);
}

/** Throws what the Engine answers for a filter that it does not know. `onNode`: those that the filter `node` means. */
export function selectNetworks(
  networks: readonly ShownNetwork[],
  filters: Filters,
  onNode: (hosts: readonly string[]) => ReadonlySet<string>,
): readonly ShownNetwork[] {
  filters.only('dangling', 'driver', 'id', 'label', 'name', 'node', 'scope', 'type');
  const nodes = filters.get('node');
  const there = nodes.length === 0 ? undefined : onNode(nodes);
  const types = filters.get('type');
  for (const type of types) if (type !== 'builtin' && type !== 'custom') throw engineError(`invalid filter: 'type'='${type}'`);
  const dangling = danglingOf(filters);
  return networks.filter((network) => {
    const isPredefined = predefinedNetworks.has(network.Name);
    const inUse = isPredefined || Object.keys(network.Containers).length > 0;
    return (
      filters.exact('driver', network.Driver) &&
      (there === undefined || there.has(network.Id)) &&
      filters.match('name', network.Name) &&
      filters.match('id', network.Id) &&
      filters.labels('label', network.Labels) &&
      filters.exact('scope', network.Scope) &&
      (dangling === undefined || dangling === !inUse) &&
      (!filters.has('type') || types.includes(isPredefined ? 'builtin' : 'custom'))
    );
  });
}

function danglingOf(filters: Filters): boolean | undefined {
  const values = filters.get('dangling');
  if (values.length > 1) throw new ArpanetError('invalid', 'got more than one value for filter key "dangling"');
  const [value] = values;
  if (value === undefined) return undefined;
  if (!['0', '1', 'false', 'true'].includes(value)) {
    throw new ArpanetError('invalid', `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
  }
  return value === '1' || value === 'true';
}

const firstAddress = (cidr: string): string => formatAddress((parseAddress(splitCidr(cidr).address) ?? 0) + 1);

/** Fields that all networks have, in the Engine's order. */
function bare(name: string, id: string, driver: string, created: string): ShownNetwork {
  return {
    Name: name,
    Id: id,
    Created: created,
    Scope: 'local',
    Driver: driver,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: {},
    Options: {},
    Labels: {},
  };
}

function showMembers(members: readonly NetworkMember[], prefix: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    members.map(({ id, name, endpointId, mac, ip, ipv6 }) => [
      id,
      { Name: name, EndpointID: endpointId, MacAddress: mac, IPv4Address: ip === '' ? '' : `${ip}/${prefix}`, IPv6Address: ipv6 },
    ]),
  );
}

const bridgeOptions = {
  'com.docker.network.bridge.default_bridge': 'true',
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
  'com.docker.network.bridge.name': 'docker0',
  'com.docker.network.driver.mtu': '1500',
};
