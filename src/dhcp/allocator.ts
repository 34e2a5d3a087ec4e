/**
 * Effects: reads the ledger, synchronously. A plan is a list of changes that the caller commits together with its own, without `await` between
 * plan and commit; after a `conflict` the caller plans again.
 */
import { ArpanetError } from '../model/index.ts';
import type { Allocator } from '../contracts/index.ts';
import type { DhcpDeps } from './contract.ts';
import { leasePlans } from './lease-plans.ts';
import { networkPlans } from './network-plans.ts';
import { parseSubnet, type Subnet } from '../text/ipv4.ts';

/** The planner of one leadership. */
export function createDhcp(deps: DhcpDeps): Allocator {
  const subnetOf = subnetReader();
  return { networks: networkPlans(deps, subnetOf), ...leasePlans(deps, subnetOf) };
}

/** Parses each CIDR once: there are few networks, and they are read often. */
function subnetReader(): (cidr: string) => Subnet {
  const read = new Map<string, Subnet>();
  return (cidr) => {
    const subnet = read.get(cidr) ?? parseSubnet(cidr);
    if (subnet === undefined)
      throw new ArpanetError('invalid', `${JSON.stringify(cidr)} is not an IPv4 subnet in CIDR notation, such as 10.32.0.0/12`);
    read.set(cidr, subnet);
    return subnet;
  };
}
