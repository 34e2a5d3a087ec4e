/** Networks under the names that clients know. Pure. */
import {
  composeLabels,
  type ContainerRecord,
  type CreateRequest,
  dnsLabel,
  type NetworkRecord,
  predefinedNetworks,
  projectOf,
} from '../model/index.ts';
import { isContainerName } from '../text/names.ts';
import { isReferenceTo, SHORT_ID_LENGTH } from '../text/references.ts';

/** The name of the predefined network that is meant by this name, id or short id. */
export function predefinedName(reference: string): string | undefined {
  const isMeant = ([name, id]: readonly [string, string]) => isReferenceTo(reference, { id, name }, SHORT_ID_LENGTH);
  return [...predefinedNetworks].find(isMeant)?.[0];
}

/** Of the network that a deployment's containers share when they name none. */
export const implicitNetworkName = (deployment: string): string =>
  `${projectOf(isNetworkName(deployment) ? deployment : dnsLabel(deployment))}_default`;

/**
 * What the Engines call the network that containers of no project share: a project called `default` has a network `default_default`. That is how an
 * earlier release called this one, too: it keeps that name until it is removed.
 */
export const SHARED_BRIDGE = 'arpanet.bridge';

/** Engines since 25 refuse others (RestrictedNamePattern). */
const isNetworkName = (name: string): boolean => name.length <= 200 && isContainerName(name);

/**
 * The network of the containers that name none and belong to no project. It spans all hosts, and clients see it as `bridge`, which is where one
 * Engine has such containers. A container that was put on `bridge` by name is on its host's own, and shown there too.
 */
export const isSharedBridge = ({ implicit, deployment }: NetworkRecord): boolean => implicit && deployment === 'default';

/**
 * The labels of a network as clients see them. The one that a deployment's containers share when they name none has those of compose: compose uses no
 * network of this name without them (docker/compose pkg/compose/create.go, `resolveOrCreateNetwork`), and a project is a deployment.
 */
export function shownLabels({ implicit, deployment, labels }: NetworkRecord): Readonly<Record<string, string>> {
  if (!implicit || deployment === 'default') return labels;
  return { [composeLabels.project]: projectOf(deployment), [composeLabels.network]: 'default', ...labels };
}

/** The scope that clients of services look for: that of what was made for them. Every network of the cluster serves them, whatever it says. */
export const shownScope = ({ driver, scope }: NetworkRecord): 'swarm' | 'local' =>
  scope === 'swarm' || driver === 'overlay' ? 'swarm' : 'local';

/** A create that names no network: the container is on its deployment's own. `default` is what `docker run` sends. */
export const namesNoNetwork = ({ HostConfig }: CreateRequest): boolean => ['', 'default'].includes(HostConfig?.NetworkMode ?? '');

/** Whether `bridge` means the shared one to this container: to those who name another network it is their host's own. */
export const isOfSharedBridge = ({ deployment, request }: ContainerRecord): boolean => deployment === 'default' && namesNoNetwork(request);

/** Id and name of a network of the cluster as clients see them. */
export function shownNetwork(record: NetworkRecord): { readonly id: string; readonly name: string } {
  const id = isSharedBridge(record) ? predefinedNetworks.get('bridge') : undefined;
  return id === undefined ? { id: record.id, name: record.name } : { id, name: 'bridge' };
}
