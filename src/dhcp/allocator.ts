/**
 * Effects: reads the ledger, synchronously. Plans are changes that the caller commits together with its own, with no await between plan
 * and commit; on `conflict` it plans anew.
 */
import { ArpanetError } from '../model/index.ts';
import { parseSubnet, type Subnet } from './address.ts';
import type { Dhcp, DhcpDeps } from './contract.ts';
import { leasePlans } from './lease-plans.ts';
import { networkPlans } from './network-plans.ts';

export function createDhcp(deps: DhcpDeps): Dhcp {
  const subnetOf = subnetReader();
  return { ...networkPlans(deps, subnetOf), ...leasePlans(deps, subnetOf) };
}

/** Parses each CIDR once: networks are few, looking at them is not. */
function subnetReader(): (cidr: string) => Subnet {
  const read = new Map<string, Subnet>();
  return (cidr) => {
    const subnet = read.get(cidr) ?? parseSubnet(cidr);
    if (subnet === undefined)
      throw new ArpanetError('invalid', `${JSON.stringify(cidr)} is no IPv4 subnet in CIDR notation, such as 10.32.0.0/12`);
    read.set(cidr, subnet);
    return subnet;
  };
}
