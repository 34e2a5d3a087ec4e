/** The networks and links that a create request asks for. Pure. */
import { type ContainerRecord, type CreateRequest, type EndpointSettings } from '../../model/index.ts';
import { implicitNetworkName, namesNoNetwork } from '../../networks/index.ts';
import { withoutSlash } from '../../text/names.ts';

/** `target` is a container, as the user referred to it; `alias` is what this container calls it. */
export interface Link {
  readonly target: string;
  readonly alias: string;
}

/** cluster: in cluster networks. native: the Engine's own. container: in another container's network namespace. */
export type NetworkMode =
  | { readonly kind: 'cluster' }
  | { readonly kind: 'native'; readonly name: 'bridge' | 'host' | 'none' }
  | { readonly kind: 'container'; readonly of: string };

export interface WantedNetwork {
  /** Name or id, as sent; for the implicit network `<deployment>_default`. */
  readonly reference: string;
  /** True when the client named no network: it is made if it does not exist. */
  readonly implicit: boolean;
  /** Asked for by the user. */
  readonly ip?: string;
  readonly mac?: string;
  readonly aliases: readonly string[];
  readonly links: readonly Link[];
  /** As sent. */
  readonly endpoint: EndpointSettings;
}

const NATIVE = ['bridge', 'host', 'none'] as const;
const isNative = (name: string): name is (typeof NATIVE)[number] => NATIVE.some((native) => native === name);
const isDefault = (name: string) => name === '' || name === 'default';

/**
 * `default` is what `docker run` sends without `--network` (Docker 28, on the wire), so the native bridge is meant only by its name.
 * Endpoints decide where the mode says nothing, as in moby's `updateContainerNetworkSettings`.
 */
export function modeOf(request: CreateRequest): NetworkMode {
  const mode = request.HostConfig?.NetworkMode ?? '';
  if (mode.startsWith('container:')) return { kind: 'container', of: mode.slice('container:'.length) };
  if (isNative(mode)) return { kind: 'native', name: mode };
  const endpoints = Object.keys(request.NetworkingConfig?.EndpointsConfig ?? {});
  const [only] = endpoints;
  if (isDefault(mode) && endpoints.length === 1 && only !== undefined && isNative(only)) return { kind: 'native', name: only };
  return { kind: 'cluster' };
}

export function networksOf(request: CreateRequest, mode: NetworkMode, deployment: string): readonly WantedNetwork[] {
  if (mode.kind === 'container') return [];
  const endpoints = request.NetworkingConfig?.EndpointsConfig ?? {};
  const named = Object.keys(endpoints).filter((name) => !isNative(name));
  const asked = request.HostConfig?.NetworkMode ?? '';
  const primary = mode.kind === 'native' || (isDefault(asked) && named.length > 0) ? [] : [asked];
  const mac = typeof request['MacAddress'] === 'string' ? request['MacAddress'] : '';
  return [...new Set([...primary, ...named])].map((name, position) => {
    const implicit = isDefault(name);
    return wanted(
      implicit ? implicitNetworkName(deployment) : name,
      implicit,
      (Object.hasOwn(endpoints, name) ? endpoints[name] : undefined) ?? {},
      position === 0 ? mac : '',
    );
  });
}

function wanted(reference: string, implicit: boolean, endpoint: EndpointSettings, fallbackMac: string): WantedNetwork {
  const ip = endpoint.IPAMConfig?.IPv4Address;
  const mac = endpoint.MacAddress || fallbackMac;
  return {
    reference,
    implicit,
    ...(ip ? { ip } : {}),
    ...(mac ? { mac } : {}),
    aliases: [...new Set(endpoint.Aliases ?? [])],
    links: (endpoint.Links ?? []).map(parseLink),
    endpoint,
  };
}

/** Links of the container and of all its endpoints, each once. */
export function linksOf(request: CreateRequest): readonly Link[] {
  const endpoints = Object.values(request.NetworkingConfig?.EndpointsConfig ?? {});
  const all = [...(request.HostConfig?.Links ?? []), ...endpoints.flatMap((endpoint) => endpoint?.Links ?? [])].map(parseLink);
  return [...new Map(all.map((link) => [`${link.target}:${link.alias}`, link])).values()];
}

/** The same with the network of each, by which it leads to its target as long as both are on it. On the default network a link is of the container alone. */
export function linksIn(
  request: CreateRequest,
  networks: readonly { readonly record: { readonly id: string }; readonly wanted: Pick<WantedNetwork, 'links'> }[],
): ContainerRecord['links'] {
  const [primary] = networks;
  if (primary === undefined || namesNoNetwork(request)) return linksOf(request);
  const own = (request.HostConfig?.Links ?? []).map((link) => ({ ...parseLink(link), network: primary.record.id }));
  const all = [...own, ...networks.flatMap(({ record, wanted }) => wanted.links.map((link) => ({ ...link, network: record.id })))];
  return [...new Map(all.map((link) => [`${link.target}:${link.alias}:${link.network}`, link])).values()];
}

/** Links as the Engine's own bridge knows them: they must lead somewhere, and come as variables too. On named networks they are names alone. */
export function boundLinksOf(request: CreateRequest): readonly Link[] {
  const mode = request.HostConfig?.NetworkMode ?? '';
  return isDefault(mode) || mode === 'bridge' ? (request.HostConfig?.Links ?? []).map(parseLink) : [];
}

/** `target:alias`; `target` alone is its own alias; inspect's `/target:/self/alias` means the same. */
export function parseLink(link: string): Link {
  const [target = '', alias = target] = link.split(':');
  return { target: withoutSlash(target), alias: alias.slice(alias.lastIndexOf('/') + 1) };
}

/** Wanted networks with those that turn out to be one network (by name here, by id there) put together, in order. */
export function eachOnce(
  networks: readonly WantedNetwork[],
  idOf: (reference: string) => string,
): readonly { readonly id: string; readonly wanted: WantedNetwork }[] {
  const byId = new Map<string, WantedNetwork>();
  for (const next of networks) {
    const id = idOf(next.reference);
    const first = byId.get(id);
    byId.set(id, first === undefined ? next : both(first, next));
  }
  return [...byId].map(([id, wanted]) => ({ id, wanted }));
}

function both(first: WantedNetwork, second: WantedNetwork): WantedNetwork {
  return {
    ...second,
    ...first,
    aliases: [...new Set([...first.aliases, ...second.aliases])],
    links: [...first.links, ...second.links],
    endpoint: { ...second.endpoint, ...first.endpoint },
  };
}
