/** Networks as lists show them: what the store has, with the containers that the view has on them. Pure but for the last list, which is kept. */
import type * as contracts from '../../contracts/index.ts';
import { ArpanetError, type ClusterNetwork, type EndpointSettings, type NetworkRecord } from '../../model/index.ts';
import { networkRecords } from '../core.ts';
import type { SchedulerDeps } from '../deps.ts';
import { each } from '../../telemetry/left-out.ts';
import { resolveNetwork } from '../view/resolve-container.ts';
import type { ViewReader } from '../view/roles.ts';

/** The store's networks: a leader's ledger, or a follower's copy of it. */
export type ReadLedger = { readonly ledger: Pick<SchedulerDeps['ledger'], 'get' | 'list'> };

export function networkLists(deps: ReadLedger, view: Pick<ViewReader, 'matching' | 'networkOf'>): Pick<contracts.Networks, 'list' | 'one'> {
  let cache: { readonly of: readonly NetworkRecord[]; readonly list: readonly ClusterNetwork[] } | undefined;

  /** The same list while no network comes, goes or changes; its members are those of the moment when they are asked for. */
  function list(): readonly ClusterNetwork[] {
    const of = networkRecords(deps);
    if (cache?.of !== of) cache = { of, list: of.map(withMembers) };
    return cache.list;
  }

  function withMembers(record: NetworkRecord): ClusterNetwork {
    return {
      record,
      get members() {
        return membersOf(record);
      },
    };
  }

  function membersOf({ id, name }: NetworkRecord): ClusterNetwork['members'] {
    const on = view.matching({ networks: [name] }) ?? [];
    const place = { kind: 'container', of: 'the members of networks' };
    return each(
      place,
      on,
      ({ name: container }) => container,
      (container) => {
        const { State, NetworkSettings } = container.facts.inspect;
        const endpoint = State.Running ? NetworkSettings.Networks?.[name] : undefined;
        const isHere = endpoint !== undefined && view.networkOf(container.host, endpoint.NetworkID ?? '') === id;
        return isHere ? [{ id: container.id, name: container.name, ...endpointOf(endpoint) }] : [];
      },
    ).flat();
  }

  function one(reference: string): ClusterNetwork {
    const all = list();
    const record = resolveNetwork(reference, networkRecords(deps));
    const network = all.find((other) => other.record === record);
    if (network === undefined) throw new ArpanetError('not-found', `network ${reference} not found`);
    return network;
  }

  return { list, one };
}

function endpointOf(endpoint: EndpointSettings): Omit<ClusterNetwork['members'][number], 'id' | 'name'> {
  const { EndpointID = '', MacAddress = '', IPAddress = '', GlobalIPv6Address = '', GlobalIPv6PrefixLen = 0 } = endpoint;
  const ipv6 = GlobalIPv6Address === '' ? '' : `${GlobalIPv6Address}/${GlobalIPv6PrefixLen}`;
  return { endpointId: EndpointID, mac: MacAddress, ip: IPAddress, ipv6 };
}
