/** A container's place in a network on its Engine. Effects: calls to agents and Engines. */
import { type EndpointSettings, labels, type NetworkRecord } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { endpointMac } from '../create/label-mac.ts';
import { leasedEndpoint } from '../create/rewrite.ts';
import type { SchedulerDeps } from '../deps.ts';
import type { Overlays } from './overlays.ts';

interface NewEndpoint {
  readonly network: NetworkRecord;
  readonly host: string;
  readonly asked: EndpointSettings;
  /** Without an address only for a container that does not run: its Engine has none to give, so that it cannot start like this. */
  readonly at: { readonly container: string; readonly ip: string | undefined };
}

/** Connects a container on its host, where the network is built first. */
export async function connectOn(
  { deps, engines }: Pick<Core, 'deps' | 'engines'>,
  overlays: Pick<Overlays, 'ensure'>,
  { network, host, asked, at }: NewEndpoint,
  timeoutMs: number,
): Promise<void> {
  const { engineId } = await overlays.ensure(network.id, host);
  const path = `${engines.versionPath(host)}/networks/${engineId}/connect`;
  const body = { Container: at.container, EndpointConfig: engineEndpoint(deps, network, asked, at) };
  await engines.json(host, { method: 'POST', path, body, timeoutMs });
}

/** Takes a container that does not run off a network: nothing if it is not on it, or the network is not there any more. */
export async function takeOffNetwork(
  { engines }: Pick<Core, 'engines'>,
  { network, host, container }: { readonly network: string; readonly host: string; readonly container: string },
  timeoutMs: number,
): Promise<void> {
  const path = `${engines.versionPath(host)}/networks/${encodeURIComponent(network)}/disconnect`;
  await engines.status(host, { method: 'POST', path, body: { Container: container, Force: true }, timeoutMs });
}

/** Signed, as the container's labels are older: Engines keep driver options that they do not know. */
function engineEndpoint(
  { leader }: Pick<SchedulerDeps, 'leader'>,
  network: NetworkRecord,
  asked: EndpointSettings,
  { container, ip }: NewEndpoint['at'],
): EndpointSettings {
  const endpoint = leasedEndpoint(network, ip, asked);
  if (ip === undefined) return endpoint;
  const mac = endpointMac(leader, { container, network: network.id, ip });
  return { ...endpoint, DriverOpts: { ...asked.DriverOpts, [labels.mac]: mac } };
}
