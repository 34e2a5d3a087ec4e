/**
 * A create made from an inspect (Config, HostConfig and NetworkSettings.Networks, as watchtower, Portainer and runlike send it): the container shall
 * be on the networks that it was on. The id of the network in an endpoint shows it: no other request has one. Pure.
 * The default network is shown as `bridge`, and since 26.0 (API 1.45) an unset mode, too (moby daemon/create.go).
 */
import { type CreateRequest, predefinedNetworks } from '../../model/index.ts';
import { implicitNetworkName } from '../../networks/index.ts';
import { addressNumber, parseSubnet } from '../../text/ipv4.ts';

export interface RecreatedFacts {
  readonly deployment: string;
  /** CIDRs that hosts route themselves: their own bridges are among them, the cluster's networks are not. */
  readonly routes: () => readonly string[];
}

/** The same request where it names its networks itself, or another container's. */
export function asInspected(request: CreateRequest, { deployment, routes }: RecreatedFacts): CreateRequest {
  const mode = request.HostConfig?.NetworkMode ?? '';
  const endpoints = request.NetworkingConfig?.EndpointsConfig ?? {};
  if (!['', 'default', 'bridge'].includes(mode)) return request;
  const { bridge, ...others } = endpoints;
  if (deployment !== 'default') {
    const own = others[implicitNetworkName(deployment)];
    return mode === 'bridge' && bridge === undefined && own?.NetworkID ? withNetworks(request, others) : request;
  }
  if (!bridge || bridge.NetworkID !== predefinedNetworks.get('bridge') || isRouted(bridge.IPAddress ?? '', routes())) return request;
  const { Aliases = null, Links = null, DriverOpts = null } = bridge;
  return withNetworks(request, { default: { Aliases, Links, DriverOpts }, ...others });
}

type Endpoints = NonNullable<NonNullable<CreateRequest['NetworkingConfig']>['EndpointsConfig']>;

function withNetworks(request: CreateRequest, endpoints: Endpoints): CreateRequest {
  return {
    ...request,
    HostConfig: { ...request.HostConfig, NetworkMode: 'default' },
    NetworkingConfig: { ...request.NetworkingConfig, EndpointsConfig: endpoints },
  };
}

function isRouted(ip: string, routes: readonly string[]): boolean {
  if (ip === '') return false;
  const address = addressNumber(ip);
  return routes.some((route) => {
    const subnet = parseSubnet(route);
    return subnet !== undefined && subnet.prefix > 0 && subnet.first <= address && address <= subnet.last;
  });
}
