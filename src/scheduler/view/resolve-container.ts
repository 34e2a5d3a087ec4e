/** References as clients write them -> what they mean, in the Engine's own order and words. Pure. */
import { ArpanetError, type ContainerView, type NetworkRecord } from '../../model/index.ts';
import { withoutSlash } from '../../text/names.ts';
import { isIdPrefix, meantBy } from '../../text/references.ts';

export interface ContainerIndex {
  byId(id: string): ContainerView | undefined;
  /** All containers of this name; more than one only when they were made behind our back. */
  named(name: string): readonly ContainerView[];
  /** Ids that begin so. */
  idsWith(prefix: string): Iterable<string>;
  /** The containers that were made again elsewhere before their first start, by the id that their client was given. */
  readonly formerIds?: ReadonlyMap<string, string>;
}

/** Full id, then name (`x`, `/x`, `host/x`, or the `web/db` that a link gave), then unique id prefix. Throws `not-found` or `invalid` (ambiguous). */
export function resolveContainer(reference: string, index: ContainerIndex): ContainerView {
  const exact = index.byId(reference);
  if (exact !== undefined) return exact;
  const [name = '', host] = withoutSlash(reference).split('/').reverse();
  const named = index.named(name).filter((container) => host === undefined || container.host === host);
  const [first, second] = named;
  // A managed name is unique; a stranger of the same name does not hide it.
  const managed = named.find((container) => container.record !== undefined);
  if (managed !== undefined) return managed;
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined) {
    const all = named.map((container) => `${container.host}/${container.name}`).join(', ');
    throw new ArpanetError('invalid', `More than one container is named ${name}: say which, ${all}`);
  }
  const linked = host === undefined ? undefined : linkedAs(host, name, index);
  if (linked !== undefined) return linked;
  if (/^[0-9a-f]+$/.test(reference)) {
    const [found, another] = index.idsWith(reference);
    if (another !== undefined) throw new ArpanetError('invalid', `multiple IDs found with provided prefix: ${reference}`);
    const container = index.byId(found ?? formerly(reference, index) ?? '');
    if (container !== undefined) return container;
  }
  throw new ArpanetError('not-found', `No such container: ${reference}`);
}

function formerly(reference: string, { formerIds = new Map() }: ContainerIndex): string | undefined {
  const exact = formerIds.get(reference);
  if (exact !== undefined || reference.length === 64) return exact;
  const [found, another] = [...formerIds.keys()].filter((id) => isIdPrefix(reference, id));
  return another === undefined ? formerIds.get(found ?? '') : undefined;
}

/** On an Engine's bridge, and so on a deployment's default network, a link is one more name of what it leads to. */
function linkedAs(parent: string, alias: string, index: ContainerIndex): ContainerView | undefined {
  const record = index.named(parent).find((container) => container.record !== undefined)?.record;
  if (record === undefined || !['', 'default', 'bridge'].includes(record.request.HostConfig?.NetworkMode ?? '')) return undefined;
  const target = record.links.find((link) => link.alias === alias)?.target;
  return target === undefined ? undefined : (index.named(target)[0] ?? index.byId(target));
}

interface NetworkIndex {
  readonly ids: ReadonlyMap<string, NetworkRecord>;
  readonly names: ReadonlyMap<string, NetworkRecord>;
  /** By deployment. */
  readonly implicit: ReadonlyMap<string, NetworkRecord>;
}

/** A list of networks stays the same while none of them changes. */
const networkIndexes = new WeakMap<readonly NetworkRecord[], NetworkIndex>();

function indexOf(networks: readonly NetworkRecord[]): NetworkIndex {
  const known = networkIndexes.get(networks);
  if (known !== undefined) return known;
  // the first of several counts
  const by = (of: readonly NetworkRecord[], key: (network: NetworkRecord) => string) =>
    new Map(of.map((network) => [key(network), network] as const).toReversed());
  const made = {
    ids: by(networks, ({ id }) => id),
    names: by(networks, ({ name }) => name),
    implicit: by(
      networks.filter(({ implicit }) => implicit),
      ({ deployment }) => deployment,
    ),
  };
  networkIndexes.set(networks, made);
  return made;
}

/** The network that was made for those of a deployment who name none. */
export function implicitAmong(networks: readonly NetworkRecord[], deployment: string): NetworkRecord | undefined {
  return indexOf(networks).implicit.get(deployment);
}

/** Full id, then name, then unique id prefix. Undefined: no such network. Throws `invalid` when the prefix is ambiguous. */
export function findNetwork(reference: string, networks: readonly NetworkRecord[]): NetworkRecord | undefined {
  const { ids, names } = indexOf(networks);
  const exact = ids.get(reference) ?? names.get(reference);
  if (exact !== undefined) return exact;
  const matches = meantBy(reference, networks, (network) => network);
  if (matches.length > 1) {
    throw new ArpanetError('invalid', `network ${reference} is ambiguous (${matches.length} matches found on ID prefix)`);
  }
  return matches[0];
}

/** The same, but an unknown network throws `not-found`. */
export function resolveNetwork(reference: string, networks: readonly NetworkRecord[]): NetworkRecord {
  const found = findNetwork(reference, networks);
  if (found === undefined) throw new ArpanetError('not-found', `network ${reference} not found`);
  return found;
}
