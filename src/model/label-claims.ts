/** What labels on containers claim, and what is proven of it. */
import type { ContainerInspect, CreateRequest, EndpointSettings } from './docker.ts';
import type { ContainerRecord, NetworkRecord } from './records.ts';

/** The part of a container's record that its labels carry. */
export interface LabelledRecord
  extends Pick<ContainerRecord, 'deployment' | 'service' | 'number' | 'addresses' | 'aliases' | 'links' | 'nonce'> {
  /** What it was created as. The Engine tells what it is called now. */
  readonly name?: string;
  /** Names of the labels that the client sent; only where the request is too large for a label. An image's own are not among them. */
  readonly labelNames?: readonly string[];
}

/** A cluster that signs labels: its leader, or a backup of its store. */
export interface LabelSigner {
  readonly clusterId: string;
  /** The secret of the store: keys.labelKey. */
  readonly labelKey: string;
}

/** A container as it is, on the host where it is. */
export interface LabelledContainer {
  readonly host: string;
  readonly inspect: ContainerInspect;
  /** The cluster network of an endpoint; undefined: it is in a network of its Engine alone. */
  readonly networkOf: (name: string, endpoint: EndpointSettings) => Pick<NetworkRecord, 'id' | 'cidr'> | undefined;
}

/** What is true of a container by its labels. */
export interface LabelClaim {
  readonly labelled: LabelledRecord;
  /** By network id, the primary network first: addresses that it has, and that this cluster gave it. What never started may have none yet. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The create request; made from the Engine's description where the labels do not have it. */
  readonly request: CreateRequest;
  /** The labels have the request. */
  readonly isRequestWhole: boolean;
}

export type LabelVerdict =
  /** It has no labels of arpanet. */
  | { readonly kind: 'none' }
  /** It has, and they prove nothing: it counts as one that arpanet did not make. */
  | { readonly kind: 'unproven'; readonly why: string }
  | { readonly kind: 'proven'; readonly claim: LabelClaim };

/**
 * The record of a container that has none any more, by what its labels claim. `before`: an earlier record of it, for what labels do not say;
 * `joinedWith`: with what it joined a network after its create. `made`: by whom and when, in milliseconds.
 */
export function recordOfClaim(
  { labelled, addresses, request }: LabelClaim,
  container: { readonly name: string; readonly host: string; readonly inspect: ContainerInspect },
  made: { readonly strategy: string; readonly atMs: number },
  before: Pick<Partial<ContainerRecord>, 'aliases' | 'connected'> = {},
  joinedWith: (network: string) => EndpointSettings = () => ({}),
): ContainerRecord {
  const { labelNames: _, ...known } = labelled;
  const { name, host, inspect } = container;
  const networks = Object.keys(addresses);
  const joined = joinedLater({ labelled, addresses });
  return {
    ...known,
    name,
    id: inspect.Id,
    host,
    addresses,
    aliases: Object.fromEntries(networks.map((network) => [network, before.aliases?.[network] ?? labelled.aliases[network] ?? []])),
    ...(joined.length === 0
      ? {}
      : { connected: Object.fromEntries(joined.map((network) => [network, before.connected?.[network] ?? joinedWith(network)])) }),
    request,
    decision: { host, strategy: made.strategy, atMs: made.atMs, scored: [], refused: [] },
    createdAtMs: Date.parse(inspect.Created) || made.atMs,
  };
}

/** Networks that it joined after its create: its labels are older. */
export function joinedLater({ labelled, addresses }: Pick<LabelClaim, 'labelled' | 'addresses'>): readonly string[] {
  return Object.keys(addresses).filter((network) => labelled.addresses[network] === undefined);
}
