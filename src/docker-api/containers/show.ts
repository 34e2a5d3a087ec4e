/**
 * `GET /containers/json` and `GET /containers/{id}/json`: containers as clients shall see them: what the user sent, with the cluster's network ids, and the host: in lists as the label
 * `arpanet.host`, in inspect as the object `Node` (classic Swarm's shape). Pure.
 */
import { healthStatus, isZeroTime } from '../../engine/status.ts';
import {
  type ContainerFacts,
  type ContainerInspect,
  type ContainerRecord,
  type ContainerView,
  type Decision,
  type EndpointSettings,
  type HostConfig,
  type HostView,
  labels,
  predefinedNetworks,
  withoutReservedLabels,
} from '../../model/index.ts';
import { namesNoNetwork } from '../../networks/index.ts';
import { each } from '../../telemetry/left-out.ts';
import { bindingsEverywhere, withEverywhere } from './everywhere.ts';
import type { Selectable } from './select.ts';
import { timeKey } from '../json/go-values.ts';
import { apiMinor } from '../../text/api-version.ts';
import { isReferenceTo, SHORT_ID_LENGTH } from '../../text/references.ts';

export interface NetworkIdentity {
  /** The record's id. */
  readonly own: string;
  /** As clients see it. */
  readonly id: string;
  readonly name: string;
}

/** By the name that the Engines know, the predefined ones included. */
export type NetworkIdentities = ReadonlyMap<string, NetworkIdentity>;

export interface ShownContainer extends Selectable {
  readonly view: ContainerView;
  /** What the user called the image. */
  readonly imageReference: string;
  /** JSON of the list's element without its closing brace, without Image and Status. */
  readonly head: string;
}

/** The names that links give, `/web/db`, by the name of the container that they lead to. */
export function linkNamesOf(records: readonly ContainerRecord[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  const read = ({ name, request, links }: ContainerRecord): void => {
    if (!namesNoNetwork(request)) return;
    for (const { target, alias } of links) names.set(target, [...(names.get(target) ?? []), `/${name}/${alias}`]);
  };
  each({ kind: 'container', of: 'the names that links give' }, records, ({ name }) => name, read);
  return names;
}

/** The list's element but for what time and tags change. `apiVersion` is the client's. */
export function showSummary(
  view: ContainerView,
  networks: NetworkIdentities,
  apiVersion: string,
  hostApi: string | undefined,
  linkNames: readonly string[] = [],
): ShownContainer {
  const { summary, inspect } = view.facts;
  const { Status: _, Image: _image, ...rest } = summary;
  const minor = apiMinor(apiVersion);
  const endpoints = Object.entries(summary.NetworkSettings?.Networks ?? {}).map(
    ([name, endpoint]) => [networks.get(name)?.name ?? name, shownEndpoint(name, endpoint, view.record, networks)] as const,
  );
  const { record } = view;
  const placed = record === undefined ? {} : { [labels.placement]: placementText(record.decision) };
  const shownLabels = { ...withoutReservedLabels(summary.Labels), [labels.host]: view.host, ...placed };
  const names = [...summary.Names, ...linkNames];
  const ports = withEverywhere(summary.Ports ?? [], inspect.State.Running, record);
  const shown: Record<string, unknown> = {
    ...rest,
    ...(ports === summary.Ports || summary.Ports === undefined ? {} : { Ports: ports }),
    Names: names,
    Labels: shownLabels,
    State: inspect.State.Status,
    HostConfig: { ...summary.HostConfig, NetworkMode: shownNetworkMode(inspect.HostConfig, view.record, hostApi) },
    NetworkSettings: {
      ...summary.NetworkSettings,
      Networks: Object.fromEntries(endpoints),
    },
  };
  if (minor < 48) delete shown['ImageManifestDescriptor'];
  return {
    view,
    imageReference: view.record?.request.Image ?? inspect.Config.Image ?? inspect.Image,
    head: JSON.stringify(shown).slice(0, -1),
    id: view.id,
    names,
    createdKey: timeKey(inspect.Created),
    labels: shownLabels,
    isRunning: inspect.State.Running,
    wasStarted: !isZeroTime(inspect.State.StartedAt),
    state: inspect.State.Status,
    exitCode: inspect.State.ExitCode,
    health: healthStatus(inspect.State),
    mounts: summary.Mounts ?? [],
    networks: new Map(endpoints.map(([name, endpoint]) => [name, endpoint.NetworkID ?? ''])),
    ports,
    imageId: summary.ImageID,
    host: view.host,
  };
}

/** What an Engine said of a container, with everything that the cluster put in its place taken back. */
export function transformInspect(
  raw: ContainerInspect,
  view: ContainerView,
  networks: NetworkIdentities,
  host: HostView | undefined,
  apiVersion: string,
): ContainerInspect {
  const { record } = view;
  const sent = record?.request;
  const hostApi = host?.facts?.apiVersion;
  const minor = apiMinor(apiVersion);
  const asSent = record?.ports === undefined ? raw.HostConfig.PortBindings : sentPorts(raw.HostConfig.PortBindings, record);
  const everywhere = bindingsEverywhere(raw, asSent, record);
  const shown: ContainerInspect = {
    ...raw,
    HostConfig: {
      ...raw.HostConfig,
      NetworkMode: shownNetworkMode(raw.HostConfig, record, hostApi),
      ...(record === undefined ? {} : sentHostConfig(raw, record)),
      ...(record?.ports === undefined && everywhere === undefined ? {} : { PortBindings: everywhere?.asked ?? asSent }),
    },
    Config: {
      ...raw.Config,
      Labels: raw.Config.Labels ? withoutReservedLabels(raw.Config.Labels) : null,
      ...(sent?.Image === undefined ? {} : { Image: sent.Image }),
      ...(record?.linkEnv === undefined ? {} : { Env: withoutLinkEnv(raw.Config.Env, record) }),
    },
    NetworkSettings: {
      ...shownNetworkSettings(raw, view, networks, hostApi, minor),
      ...(everywhere === undefined ? {} : { Ports: everywhere.bound }),
    },
    ...(host === undefined ? {} : { Node: shownNode(host) }),
  };
  if (minor < 48) delete (shown as unknown as Record<string, unknown>)['ImageManifestDescriptor'];
  return shown;
}

/** `spread, best of 2 that fit; h1 refused by constraint`. */
function placementText({ strategy, scored, refused, counts }: Decision): string {
  const fit = counts?.fit ?? scored.length;
  const others =
    counts === undefined
      ? refused.map(({ host, rule }) => `${host} refused by ${rule}`)
      : Object.entries(counts.refused).map(([rule, number]) => `${number} refused by ${rule}`);
  return [fit === 0 ? strategy : `${strategy}, best of ${fit} that fit`, ...others].join('; ');
}

/** Engines up to 25 show an unset mode as `default`, newer ones as `bridge`. `container:` modes were resolved by the Engine. */
function shownNetworkMode(raw: HostConfig | null | undefined, record: ContainerRecord | undefined, hostApi: string | undefined): string {
  const mode = raw?.NetworkMode ?? 'default';
  if (record === undefined || mode.startsWith('container:')) return mode;
  const sent = record.networkModeSent ?? record.request.HostConfig?.NetworkMode ?? '';
  if (sent !== '' && sent !== 'default') return sent;
  return hostApi !== undefined && apiMinor(hostApi) >= 45 ? 'bridge' : 'default';
}

/** Null where an Engine without our variables says null. */
function withoutLinkEnv(env: readonly string[] | null | undefined, record: ContainerRecord): readonly string[] | null {
  const own = (env ?? []).filter((line) => !record.linkEnv?.includes(line));
  return own.length > 0 ? own : (record.request.Env ?? null);
}

/** On the Engine's own networks, or another container's: nothing of the request was rewritten. */
function isNative(record: ContainerRecord): boolean {
  const mode = record.request.HostConfig?.NetworkMode ?? '';
  return predefinedNetworks.has(mode) || mode.startsWith('container:');
}

function sentHostConfig(raw: ContainerInspect, record: ContainerRecord): Partial<HostConfig> {
  const sent = record.request.HostConfig ?? {};
  // a mode that names a container is shown with its full id, as an Engine does; what VolumesFrom names is shown as it was sent
  const VolumesFrom = sent.VolumesFrom ?? null;
  if (isNative(record)) return { VolumesFrom };
  // a link shows as the Engine resolves it: /target:/container/alias; on named networks the Engine shows none here
  const links = namesNoNetwork(record.request) && (sent.Links ?? []).length > 0 ? record.links : [];
  return {
    VolumesFrom,
    Dns: sent.Dns ?? null,
    DnsSearch: sent.DnsSearch ?? null,
    DnsOptions: sent.DnsOptions ?? null,
    ExtraHosts: sent.ExtraHosts ?? null,
    Links: links.length > 0 ? links.map(({ target, alias }) => `/${target}:${raw.Name}/${alias}`) : null,
  };
}

/** Ports whose numbers were chosen for it show what was sent; those that `-P` added are not shown. */
function sentPorts(raw: HostConfig['PortBindings'], { request, ports }: ContainerRecord): NonNullable<HostConfig['PortBindings']> {
  const sent = request.HostConfig?.PortBindings ?? {};
  const shown = Object.entries(raw ?? {}).flatMap(([port, bindings]) => {
    if (ports?.[port] === undefined) return [[port, bindings] as const];
    const asked = sent[port];
    if (asked === undefined) return [];
    return [[port, (bindings ?? []).map((one, index) => ({ ...one, HostPort: asked?.[index]?.HostPort ?? '' }))] as const];
  });
  return Object.fromEntries(shown);
}

function shownNetworkSettings(
  raw: ContainerInspect,
  view: ContainerView,
  networks: NetworkIdentities,
  hostApi: string | undefined,
  minor: number,
): ContainerInspect['NetworkSettings'] {
  const { record } = view;
  const addsNames = minor < 45 && hostApi !== undefined && apiMinor(hostApi) >= 44;
  const ownNames = [raw.Id.slice(0, 12), raw.Config.Hostname ?? ''].filter((name) => name !== '');
  const shown: Record<string, EndpointSettings> = {};
  for (const [name, endpoint] of Object.entries(raw.NetworkSettings.Networks ?? {})) {
    const base = shownEndpoint(name, endpoint, record, networks);
    if (predefinedNetworks.has(name)) {
      shown[name] = base;
      continue;
    }
    const network = networks.get(name);
    // before a start an Engine shows no id
    const id = network?.own ?? base.NetworkID ?? '';
    const asked = record === undefined ? [] : askedAliases(record, name, id);
    if (network?.name === 'bridge') {
      const { DNSNames: names } = endpoint;
      shown[network.name] = { ...base, Aliases: orNull(asked), Links: null, ...(names === undefined ? {} : { DNSNames: null }) };
      continue;
    }
    const aliases = unique([...asked, ...(endpoint.Aliases ?? []), ...(addsNames ? ownNames : [])]);
    const links = askedEndpoint(record, name, id)?.Links;
    shown[name] = {
      ...base,
      Aliases: aliases.length > 0 ? aliases : (endpoint.Aliases ?? null),
      ...(record === undefined ? {} : { Links: links ?? null }),
      ...(endpoint.DNSNames ? { DNSNames: unique([raw.Name.slice(1), ...asked, ...endpoint.DNSNames]) } : {}),
    };
  }
  return {
    ...raw.NetworkSettings,
    Networks: shown,
    ...(record !== undefined && namesNoNetwork(record.request) && minor < 52
      ? topLevelAddress(raw, shown['bridge'] ?? Object.values(shown)[0])
      : {}),
  };
}

/** Until API 1.52 the default network's address stood at the top level too, where old clients read it. */
function topLevelAddress(raw: ContainerInspect, endpoint: EndpointSettings | undefined): Partial<EndpointSettings> {
  if (endpoint === undefined || (raw.NetworkSettings['IPAddress'] ?? '') !== '') return {};
  const { EndpointID = '', Gateway = '', IPAddress = '', IPPrefixLen = 0, MacAddress = '' } = endpoint;
  return { EndpointID, Gateway, IPAddress, IPPrefixLen, MacAddress };
}

function shownEndpoint(
  name: string,
  endpoint: EndpointSettings,
  record: ContainerRecord | undefined,
  networks: NetworkIdentities,
): EndpointSettings {
  const network = networks.get(name);
  if (network === undefined) return endpoint;
  const { DriverOpts } = endpoint;
  const asked = record === undefined ? undefined : askedEndpoint(record, name, network.own);
  // the address in IPAMConfig is our lease unless the user asked for one
  const ipam = record === undefined ? endpoint.IPAMConfig : asked?.IPAMConfig;
  const shown = { ...endpoint, IPAMConfig: ipam ?? null, NetworkID: endpoint.NetworkID === '' ? '' : network.id };
  return DriverOpts == null ? shown : { ...shown, DriverOpts: withoutOurs(DriverOpts, asked) };
}

/** Where we wrote the only one, what was asked for: nothing, or an empty object. */
function withoutOurs(
  options: NonNullable<EndpointSettings['DriverOpts']>,
  asked: EndpointSettings | undefined,
): Readonly<Record<string, string>> | null {
  const { [labels.mac]: ours, ...others } = options;
  return ours !== undefined && Object.keys(others).length === 0 ? (asked?.DriverOpts ?? null) : others;
}

function askedEndpoint(record: ContainerRecord | undefined, name: string, id: string): EndpointSettings | undefined {
  const connected = record?.connected?.[id];
  if (connected !== undefined) return connected;
  const asked = record?.request.NetworkingConfig?.EndpointsConfig ?? {};
  const key = Object.keys(asked).find((k) => isReferenceTo(k, { id, name }, SHORT_ID_LENGTH));
  return key === undefined ? undefined : (asked[key] ?? undefined);
}

function askedAliases(record: ContainerRecord, name: string, id: string): readonly string[] {
  return record.aliases[id] ?? askedEndpoint(record, name, id)?.Aliases ?? [];
}

function shownNode(host: HostView): Readonly<Record<string, unknown>> {
  const { name, record, facts } = host;
  return {
    ID: name,
    IP: record.address,
    Addr: record.gateway,
    Name: name,
    Cpus: facts?.cpus ?? 0,
    Memory: facts?.memoryBytes ?? 0,
    Labels: record.labels,
  };
}

const orNull = (values: readonly string[]): readonly string[] | null => (values.length > 0 ? values : null);

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}

/** True when the answer to an inspect may come from these facts without asking the Engine. */
export function isInspectStable(facts: ContainerFacts): boolean {
  const { State: state, ExecIDs: execs } = facts.inspect;
  return (state.Health === undefined || state.Health === null) && (execs === undefined || execs === null);
}
