/** What creates would get if they were made now: hosts and addresses. Planned on a copy of the ledger's words that is thrown away. Reads the ledger. */
import type { Allocator, IdleSince, Placements, RehearsedCreate } from '../contracts/index.ts';
import { createDhcp } from '../dhcp/index.ts';
import {
  ArpanetError,
  deploymentIn,
  keys,
  type NetworkCreateRequest,
  type NetworkRecord,
  type Placement,
  predefinedNetworks,
} from '../model/index.ts';
import { askedAddresses } from '../networks/index.ts';
import type { Rehearsal } from '../operator-api/index.ts';
import type { Change } from '../store/index.ts';

type DhcpDeps = Parameters<typeof createDhcp>[0];

/** `networks`: those that a deploy would make first; `routes`: CIDRs that some host routes already. */
export function withAddresses(
  dhcpDeps: DhcpDeps,
  live: Pick<Allocator, 'networks'>,
  idleSince: IdleSince,
  creates: readonly RehearsedCreate[],
  placements: readonly Placement[],
  networks: readonly NetworkCreateRequest[],
  routes: readonly string[],
): readonly Rehearsal[] {
  const { ledger, apply } = scratch(dhcpDeps.ledger);
  const { pool, restMs, defaultPrefix, epoch, now, newId } = dhcpDeps;
  const dhcp = createDhcp({ ledger, pool, restMs, defaultPrefix, epoch, now, newId, newest: live.networks.newest() });
  const ids = new Map(ledger.list<NetworkRecord>(keys.networks).map(([, { name, id }]) => [name, id]));
  for (const { Name = '', Labels, Options, IPAM, Driver, Internal = false, EnableIPv6 = false } of networks) {
    const labels = Labels ?? {};
    const plan = dhcp.networks.plan({
      name: Name,
      deployment: deploymentIn(labels),
      labels,
      options: Options ?? {},
      ...(Driver ? { driver: Driver } : {}),
      internal: Internal,
      enableIpv6: EnableIPv6,
      attachable: false,
      implicit: false,
      createdAtMs: now(),
      ipam: IPAM,
      routes,
    });
    apply(plan.changes);
    ids.set(Name, plan.record.id);
  }
  // what some ask for by name is left alone by the others
  for (const [network, ips] of askedAddresses(creates.map(({ request }) => request))) {
    const id = ids.get(network) ?? network;
    if (ledger.get(keys.network(id)) !== undefined) apply(dhcp.yielding.planAsked(id, ...ips));
  }
  return creates.map(({ name, request, isReplacement = false }, index): Rehearsal => {
    const placement = placements[index];
    if (placement?.kind !== 'placed') return { ...(placement ?? { kind: 'refused', message: 'not placed', refused: [] }), addresses: {} };
    const addresses: Record<string, string> = {};
    try {
      for (const [network, endpoint] of Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {})) {
        // An Engine resolves these at the create.
        if (network === 'default' || predefinedNetworks.has(network)) continue;
        const id = ids.get(network) ?? network;
        const { host } = placement.decision;
        const had = isReplacement ? dhcp.leases.usersOf(id).find(({ owner }) => owner === name)?.ip : undefined;
        const asked = { owner: name, host, wanted: endpoint?.IPAMConfig?.IPv4Address || had, isNew: true } as const;
        // What nobody runs with yields, as in a create.
        const occupant = () => dhcp.yielding.occupantForHost(id, host, idleSince) ?? dhcp.yielding.occupant(id, asked, idleSince);
        for (let held = occupant(); held !== undefined; held = occupant()) apply([{ kind: 'delete', key: keys.lease(id, held.ip) }]);
        apply(dhcp.leases.planGateway(id, host).changes);
        const offer = dhcp.leases.planOffer(id, asked);
        apply(offer.changes);
        addresses[network] = offer.ip;
      }
    } catch (error) {
      if (error instanceof ArpanetError) return { kind: 'refused', message: error.message, refused: [], addresses };
      throw error;
    }
    return { ...placement, addresses };
  });
}

/** What was rehearsed is kept for the creates that follow, in whatever order they come. */
export function hold(
  placement: Pick<Placements, 'hold'>,
  { leases }: Pick<Allocator, 'leases'>,
  networkId: (name: string) => string | undefined,
  creates: readonly RehearsedCreate[],
  rehearsed: readonly Rehearsal[],
): void {
  for (const [index, { name }] of creates.entries()) {
    const found = rehearsed[index];
    if (found?.kind !== 'placed') continue;
    placement.hold(name, found.decision.host);
    for (const [network, ip] of Object.entries(found.addresses)) {
      const id = networkId(network);
      if (id !== undefined) leases.promise(id, name, ip);
    }
  }
}

/** What is written here is seen here, and nowhere else. */
function scratch(base: DhcpDeps['ledger']) {
  const written = new Map<string, unknown>();
  const ledger: DhcpDeps['ledger'] = {
    unreadable: base.unreadable,
    get: <T>(key: string) => (written.has(key) ? (written.get(key) as T | undefined) : base.get<T>(key)),
    list<T>(prefix: string) {
      const all = new Map<string, unknown>(base.list<T>(prefix));
      for (const [key, value] of written) if (key.startsWith(prefix)) all.set(key, value);
      return [...all].filter(([, value]) => value !== undefined).toSorted(([a], [b]) => (a < b ? -1 : 1)) as (readonly [string, T])[];
    },
  };
  const apply = (changes: readonly Change[]): void => {
    for (const change of changes) written.set(change.key, change.kind === 'delete' ? undefined : change.value);
  };
  return { ledger, apply };
}
