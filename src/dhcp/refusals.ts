/** Error messages: Docker's own words first, then what is wrong and what to do. Pure. */
import type { NetworkRecord } from '../model/index.ts';
import type { Choice, WantedChoice } from './lease.ts';
import type { SubnetChoice } from './subnet.ts';
import type { Subnet } from '../text/ipv4.ts';

export function describeExhausted(record: NetworkRecord, choice: Choice & { readonly kind: 'exhausted' }): string {
  return (
    `no available IPv4 addresses on this network's address pools: ${record.name} (${record.ipRange ?? record.cidr}) has all of its ` +
    `${choice.usable} addresses in use. Stop containers in it, or make a larger network (label arpanet.size, or its subnet)`
  );
}

export function describeWanted(record: NetworkRecord, wanted: string, choice: Exclude<WantedChoice, { readonly kind: 'chosen' }>): string {
  const where = `network ${record.name} (${record.cidr})`;
  if (choice.kind === 'invalid' || choice.kind === 'outside') {
    const wrong = [
      ...(choice.kind === 'invalid' ? [`invalid IPv4 address: ${wanted}`] : []),
      ...(record.isSubnetAsked === true
        ? choice.kind === 'outside'
          ? [`no configured subnet or ip-range contain the IP address ${wanted}`]
          : []
        : ['user specified IP address is supported only when connecting to networks with user configured subnets']),
    ];
    return `invalid endpoint settings:\n${wrong.length === 1 ? wrong[0] : wrong.map((reason) => `* ${reason}`).join('\n')}`;
  }
  if (choice.by === 'network') return `Address already in use: ${wanted} is the network or broadcast address of ${where}`;
  const { kind, owner } = choice.by;
  const holder = {
    instance: `container ${owner}`,
    gateway: `host ${owner}, for itself`,
    user: `the network itself, as ${owner}`,
    service: `service ${owner}`,
  }[kind];
  return `Address already in use: ${wanted} in ${where} is held by ${holder}. Choose another address`;
}

const NAMED_ROUTES = 5;

export function describeRouted(pool: Subnet, routes: readonly Subnet[]): string {
  const named = routes.slice(0, NAMED_ROUTES).map(({ cidr }) => cidr);
  const more = routes.length > named.length ? ` and ${routes.length - named.length} more` : '';
  return (
    `routes (${named.join(', ')}${more}) that cover more than half of the address pool ${pool.cidr}, so that no network could be made: ` +
    'remove them there, or choose another pool ("arpanet config set pool …")'
  );
}

export function describePoolFull(pool: Subnet, prefix: number, choice: SubnetChoice & { readonly kind: 'exhausted' }): string {
  const routed = choice.routed === 0 ? '' : ` and ${choice.routed} routes of hosts lie in it`;
  return (
    `could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network: no /${prefix} is free in ` +
    `the pool ${pool.cidr}, where ${choice.taken} subnets are taken${routed}. Remove networks (docker network prune), ask for a smaller one ` +
    `(label arpanet.size), name a subnet outside the pool, or give the schedulers a larger --pool`
  );
}
