/** The records of one host against the containers that its Engine has: what to do where they differ. Pure. */
import type { ContainerRecord, ContainerView, LabelClaim } from '../../model/index.ts';
import { each, fenced } from '../../telemetry/left-out.ts';
import { isAsCreated } from './label-claims.ts';
import { withoutSlash } from '../../text/names.ts';

export type Adoption =
  /** The record's container is gone. */
  | { readonly do: 'forget'; readonly record: ContainerRecord }
  /** A create came to its end, but nobody wrote so: the record gets its container. */
  | { readonly do: 'bind'; readonly record: ContainerRecord; readonly id: string }
  /** A create that came to nothing. */
  | { readonly do: 'undo'; readonly record: ContainerRecord }
  /** A rename that the Engine has done. */
  | { readonly do: 'rename'; readonly from: ContainerRecord; readonly to: string }
  /** It runs, and somebody took it off networks that it is to be on: addresses by network. */
  | { readonly do: 'rejoin'; readonly record: ContainerRecord; readonly id: string; readonly addresses: Readonly<Record<string, string>> }
  /** It runs and has no address in a network: another got it while its host was lost. */
  | { readonly do: 'address'; readonly record: ContainerRecord; readonly id: string }
  /** Left over from a create that was undone: made by us, never started, nobody's. */
  | { readonly do: 'remove'; readonly id: string; readonly name: string }
  /** Made by us and in use, but its record is lost. */
  | { readonly do: 'rebuild'; readonly container: ContainerView; readonly claim: LabelClaim };

/**
 * `creating`: names that are being created right now, which are nobody else's business. `claimOf`: what a container's labels prove. Labels that prove
 * nothing, and copies of another container's, count for nothing: that one is a stranger.
 */
export function adoptions(
  records: readonly ContainerRecord[],
  containers: readonly ContainerView[],
  creating: ReadonlySet<string>,
  claimOf: (container: ContainerView) => LabelClaim | undefined,
  host = '',
): readonly Adoption[] {
  const place = { kind: 'record', of: `the comparison of records with the Engine of ${host}` };
  const byId = new Map(containers.map((container) => [container.id, container]));
  const named = each({ ...place, kind: 'name' }, containers, nameOf, (container) => [engineName(container), container] as const);
  const byEngineName = new Map(named);
  const owners = new Map(records.flatMap((record) => (record.id === undefined ? [] : [[record.id, record] as const])));
  const bound = new Set<string>();
  function* ofRecord(record: ContainerRecord): Generator<Adoption> {
    if (creating.has(record.name)) return;
    if (record.id !== undefined) {
      const own = byId.get(record.id);
      if (own === undefined) yield { do: 'forget', record };
      const addresses = own?.facts.inspect.State.Status === 'running' ? addressesWithout(own, record) : {};
      if (Object.keys(addresses).length > 0) yield { do: 'rejoin', record, id: record.id, addresses };
      if (own?.facts.inspect.State.Status === 'running' && record.unaddressed !== undefined) yield { do: 'address', record, id: record.id };
      return;
    }
    const container = byEngineName.get(record.name);
    const owner = container && owners.get(container.id);
    if (owner !== undefined) yield { do: 'rename', from: owner, to: record.name };
    else if (container !== undefined && isWhole(container, record, claimOf(container))) {
      bound.add(container.id);
      yield { do: 'bind', record, id: container.id };
    } else yield { do: 'undo', record };
  }
  const taken = new Set(records.flatMap(({ id, nonce }) => (id === undefined || nonce === undefined ? [] : [nonce])));
  function* ofContainer(container: ContainerView): Generator<Adoption> {
    if (owners.has(container.id) || bound.has(container.id) || creating.has(engineName(container))) return;
    const claim = claimOf(container);
    const { nonce } = claim?.labelled ?? {};
    if (claim === undefined || nonce === undefined || taken.has(nonce)) return;
    taken.add(nonce);
    if (isAsCreated(container.facts.inspect, claim.labelled)) yield { do: 'remove', id: container.id, name: container.name };
    else yield { do: 'rebuild', container, claim };
  }
  return [
    ...fenced(place, records, nameOf, ofRecord),
    ...fenced({ ...place, kind: 'container' }, named.map(([, container]) => container).sort(byAge), nameOf, ofContainer),
  ];
}

const nameOf = ({ name }: { readonly name: string }): string => name;

export function engineName(container: ContainerView): string {
  return withoutSlash(container.facts.inspect.Name);
}

/** The one that this create made, and with all the networks that it was to have: one cut in the middle of its connects is not. */
function isWhole(container: ContainerView, record: ContainerRecord, claim: LabelClaim | undefined): boolean {
  return claim !== undefined && claim.labelled.nonce === record.nonce && Object.keys(addressesWithout(container, record)).length === 0;
}

/** The oldest first: a copy is younger than what it was copied from. */
function byAge(a: ContainerView, b: ContainerView): number {
  const [first, second] = [a.facts.inspect.Created, b.facts.inspect.Created];
  return first === second ? 0 : first < second ? -1 : 1;
}

/** Those of the record that the container does not have. */
function addressesWithout(container: ContainerView, record: ContainerRecord): Readonly<Record<string, string>> {
  const endpoints = Object.values(container.facts.inspect.NetworkSettings.Networks ?? {});
  const has = new Set(endpoints.flatMap((endpoint) => [endpoint.IPAMConfig?.IPv4Address, endpoint.IPAddress]));
  return Object.fromEntries(Object.entries(record.addresses).filter(([, ip]) => !has.has(ip)));
}
