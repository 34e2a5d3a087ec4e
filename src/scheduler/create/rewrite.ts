/**
 * A create request as the Engine shall see it: in the deployment's network, with its leased address and our DNS. Pure.
 * Image, networks, DNS and references to other containers are written again; links and aliases leave (they live in our names, because
 * Docker's own resolver would answer them from one Engine only). Everything else is as the client sent it.
 */
import { type CreateRequest, type EndpointSettings, type HostConfig, type HostDns, type NetworkRecord } from '../../model/index.ts';
import { ipv6At, isOnWire } from '../../networks/index.ts';
import type { Identity, WantedNetwork } from './identify.ts';
import { type ChosenPorts, withChosen } from '../placement/choose-ports.ts';
import { dnsOf } from './rewrite-dns.ts';
import { type RecordLabelsInput, recordLabelsOf } from './rewrite-labels.ts';
import { withRefs } from './rewrite-refs.ts';
import { compareVersions } from '../../text/api-version.ts';

export interface JoinedNetwork {
  readonly record: NetworkRecord;
  /** Undefined: another runs with the address that it asks for; a start tells. */
  readonly ip: string | undefined;
  /** The host's own address in this network, where its DNS listens. */
  readonly gateway: string;
  readonly wanted: WantedNetwork;
}

export interface RewriteInput {
  readonly request: CreateRequest;
  readonly identity: Identity;
  /** Of the container, without slash. */
  readonly name: string;
  /** The primary network first; each network once. */
  readonly networks: readonly JoinedNetwork[];
  /** The API version that the request is sent under: before 1.44 an Engine takes one endpoint at create. */
  readonly apiVersion: string;
  /** The image as the Engine shall look it up. */
  readonly imageReference: string;
  /** Full Engine ids of the containers referred to, by reference as sent. */
  readonly refs: ReadonlyMap<string, string>;
  /** What containers on that host get whose user names nothing. */
  readonly hostDns?: HostDns;
  /** Numbers of host ports that were chosen for it. */
  readonly ports?: ChosenPorts | undefined;
  /** What its links tell it; its own variables go before. */
  readonly linkEnv: readonly string[];
  /** For its labels, which outlive the store. */
  readonly signed: Pick<RecordLabelsInput, 'nonce' | 'packed' | 'sign'>;
}

export interface Rewritten {
  /** Body of `POST /containers/create`. */
  readonly body: CreateRequest;
  /** Networks to connect between create and start, each a body of `POST /networks/{network}/connect` without its `Container`. */
  readonly connectAfter: readonly { readonly network: string; readonly endpoint: EndpointSettings }[];
}

export function rewrite(input: RewriteInput): Rewritten {
  const { request, identity, networks } = input;
  const endpoints = networks.map(({ record, ip, wanted }) => ({
    network: record.name,
    endpoint: leasedEndpoint(record, ip, wanted.endpoint),
  }));
  const isNative = identity.mode.kind === 'native';
  const atCreate =
    identity.mode.kind === 'container' ? [] : severalAtCreate(input.apiVersion) ? endpoints : endpoints.slice(0, isNative ? 0 : 1);
  const labelNames = Object.keys(request.Labels ?? {});
  const labels = { ...request.Labels, ...recordLabelsOf({ identity, name: input.name, networks, labelNames, ...input.signed }) };
  const body = {
    ...withPorts(withRefs(request, input.refs), input.ports),
    ...(request.Image === undefined && input.imageReference === '' ? {} : { Image: input.imageReference }),
    Labels: labels,
    ...(input.linkEnv.length === 0 ? {} : { Env: withLinkEnv(request.Env ?? [], input.linkEnv) }),
  };
  if (identity.mode.kind === 'container') return { body, connectAfter: [] };
  return {
    body: {
      ...body,
      HostConfig: hostConfigOf(body.HostConfig ?? {}, input),
      NetworkingConfig: {
        ...request.NetworkingConfig,
        EndpointsConfig: {
          ...nativeEndpoints(request),
          ...Object.fromEntries(atCreate.map(({ network, endpoint }) => [network, endpoint])),
        },
      },
    },
    connectAfter: endpoints.slice(atCreate.length),
  };
}

function withPorts(request: CreateRequest, ports: ChosenPorts | undefined): CreateRequest {
  const { HostConfig } = request;
  return ports === undefined
    ? request
    : { ...request, HostConfig: { ...HostConfig, PortBindings: withChosen(HostConfig?.PortBindings, ports) } };
}

function hostConfigOf(hostConfig: HostConfig, { identity, networks, hostDns }: RewriteInput): HostConfig {
  const primary = networks[0];
  if (identity.mode.kind !== 'cluster' || primary === undefined) return hostConfig;
  const { Links: _, ...others } = hostConfig;
  // on its own wire a host is not reached, nor its DNS
  const { gateway } = networks.find(({ record }) => !isOnWire(record)) ?? {};
  const dns = gateway === undefined ? {} : dnsOf(hostConfig, identity.deployment, gateway, hostDns);
  return { ...others, NetworkMode: primary.record.name, ...dns };
}

/** As asked, with our lease. Aliases and links live in our own names. */
export function leasedEndpoint(record: NetworkRecord, ip: string | undefined, asked: EndpointSettings): EndpointSettings {
  const { Aliases: _aliases, Links: _links, NetworkID: _id, DNSNames: _names, ...others } = asked;
  return { ...others, IPAMConfig: leasedAddresses(record, ip, asked) };
}

function withLinkEnv(own: readonly string[], links: readonly string[]): readonly string[] {
  const named = new Set(own.map((line) => line.split('=', 1)[0]));
  return [...links.filter((line) => !named.has(line.split('=', 1)[0])), ...own];
}

/** The lease, and the IPv6 address that goes with it unless the user asked for another. */
function leasedAddresses(
  record: NetworkRecord,
  ip: string | undefined,
  { IPAMConfig: asked }: EndpointSettings,
): NonNullable<EndpointSettings['IPAMConfig']> {
  const { IPv4Address: _taken, ...others } = asked ?? {};
  if (ip === undefined) return others;
  const ipv6 = asked?.IPv6Address || ipv6At(record, ip);
  return { ...asked, IPv4Address: ip, ...(ipv6 === undefined ? {} : { IPv6Address: ipv6 }) };
}

/** Endpoints of the Engine's own networks, which go along as they came. */
function nativeEndpoints(request: CreateRequest): Readonly<Record<string, EndpointSettings | null>> {
  const all = Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {});
  return Object.fromEntries(all.filter(([name]) => name === 'bridge' || name === 'host' || name === 'none'));
}

function severalAtCreate(apiVersion: string): boolean {
  return compareVersions(apiVersion, '1.44') >= 0;
}
