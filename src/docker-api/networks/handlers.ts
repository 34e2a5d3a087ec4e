/** Networks are the cluster's own: created, removed and joined there; Engines get theirs when a container needs one. */
import {
  ArpanetError,
  type ContainerView,
  isKind,
  type Json,
  type NetworkCreateRequest,
  reservedWarnings,
  withoutReserved,
} from '../../model/index.ts';
import { predefinedName } from '../../networks/index.ts';
import { readJson } from '../json/body.ts';
import { removeUnreadableToo } from '../reads/unreadable.ts';
import { type Exchange, send, sendJson, unlessDoneBefore } from '../request-context.ts';

export async function networkCreate(call: Exchange): Promise<void> {
  const request = await readJson<NetworkCreateRequest>(call, 'types.NetworkCreateRequest');
  const record = await call.cluster.networks.create(withoutReserved(request), call.requestId);
  sendJson(call, 201, { Id: record.id, Warning: reservedWarnings(request.Labels).join('; ') });
}

export async function networkRemove(call: Exchange): Promise<void> {
  const reference = call.params['id'] ?? '';
  await unlessDoneBefore(call, () =>
    removeUnreadableToo(call, 'network', reference, () => call.cluster.networks.remove(reference, { evenOfStopped: true })),
  );
  send(call, { status: 204 });
}

interface Membership extends Json {
  readonly Container?: string;
  readonly EndpointConfig?: unknown;
  readonly Force?: boolean;
}

export async function networkConnect(call: Exchange): Promise<void> {
  const { Container = '', EndpointConfig } = await readJson<Membership>(call, 'types.NetworkConnect');
  if (Container === '') throw new ArpanetError('invalid', 'invalid name or ID supplied: ""');
  const reference = call.params['id'] ?? '';
  // An Engine looks for the network first.
  if (predefinedName(reference) === undefined) call.cluster.networks.one(reference);
  const container = call.cluster.containers.one(Container);
  await call.cluster.networks.connect(reference, container.id, EndpointConfig);
  await call.cluster.replicas.joined(call.cluster.containers.one(container.id));
  await call.cluster.view.refresh(container.host, { containers: [container.id] });
  send(call, { status: 200 });
}

export async function networkDisconnect(call: Exchange): Promise<void> {
  const { Container = '', Force = false } = await readJson<Membership>(call, 'types.NetworkDisconnect');
  if (Container === '') throw new ArpanetError('invalid', 'invalid name or ID supplied: ""');
  const reference = call.params['id'] ?? '';
  const container = memberOf(call, Container, Force);
  // with force, what went with its network is off it
  if (Force && isGone(call, reference) && wasMadeFor(container, reference)) return send(call, { status: 200 });
  if (predefinedName(reference) === undefined) call.cluster.networks.one(reference);
  await call.cluster.networks.disconnect(reference, container.id, Force);
  await call.cluster.replicas.joined(call.cluster.containers.one(container.id));
  await call.cluster.view.refresh(container.host, { containers: [container.id] });
  send(call, { status: 200 });
}

/** Of a container that is gone, an Engine that is to use force looks for what it left on the network (moby daemon/network.go, ForceEndpointDelete). */
function memberOf({ cluster }: Exchange, reference: string, isForced: boolean): ContainerView {
  try {
    return cluster.containers.one(reference);
  } catch (error) {
    throw isForced && isKind(error, 'not-found') ? new ArpanetError('not-found', `endpoint ${reference} not found`) : error;
  }
}

function isGone({ cluster }: Exchange, network: string): boolean {
  return (
    predefinedName(network) === undefined && !cluster.networks.list().some(({ record }) => record.name === network || record.id === network)
  );
}

function wasMadeFor({ record }: ContainerView, network: string): boolean {
  const { HostConfig, NetworkingConfig } = record?.request ?? {};
  return HostConfig?.NetworkMode === network || Object.hasOwn(NetworkingConfig?.EndpointsConfig ?? {}, network);
}
