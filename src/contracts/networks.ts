/** The cluster's networks, and which containers are on them. */
import type { IdleSince } from './allocator.ts';
import type { ClusterNetwork, ContainerView, CreateRequest, NetworkCreateRequest, NetworkRecord } from '../model/index.ts';
import type { Change } from '../store/ledger/contract.ts';

export interface NetworkRemoval {
  /** Containers that do not run are taken off it first; otherwise they count as its users. Default: false. */
  readonly evenOfStopped?: boolean;
}

export interface Networks {
  /** Of a lease that would yield to somebody else now. */
  readonly idleSince: IdleSince;
  readonly list: () => readonly ClusterNetwork[];
  /** Our id, unique prefix, name. Throws `not-found`: `network x not found`. */
  readonly one: (reference: string) => ClusterNetwork;
  /** The same `requestId` again gives the network that it created. Throws `conflict` (name taken), `forbidden` (overlap), `invalid`, `exhausted`. */
  readonly create: (request: NetworkCreateRequest, requestId: string) => Promise<NetworkRecord>;
  /** Throws `not-found`, and `forbidden` while a container uses it. */
  readonly remove: (reference: string, options?: NetworkRemoval) => Promise<void>;
  /** Changes that remember which addresses these requests ask for by name, so that others get them last: of what will be created. */
  readonly planAsked: (requests: readonly Pick<CreateRequest, 'NetworkingConfig'>[]) => readonly Change[];
  /** `endpoint` as `POST /networks/{id}/connect` has it in `EndpointConfig`. */
  readonly connect: (reference: string, container: string, endpoint: unknown) => Promise<void>;
  readonly disconnect: (reference: string, container: string, force: boolean) => Promise<void>;
  /**
   * Before a start, where published ports of all hosts are answered at one address: throws `engine` in the Engine's words when a container of another
   * service has a TCP port of this one. Call what it returns when the start has ended.
   */
  readonly claimPorts: (container: ContainerView) => () => void;
  /**
   * Call around what starts a container (start, restart): before `act` it has an address in each of its networks. One that is on no network any more
   * gets a place in the one that it was made for. Throws `not-found` (that is gone), `forbidden` (another runs with the address that it asks for),
   * `exhausted`. `act` resolves once the view shows that it runs.
   */
  readonly starting: <T>(container: ContainerView, act: () => Promise<T>) => Promise<T>;
}
