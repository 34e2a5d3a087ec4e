/**
 * The kernel's rules in the network namespace of a container that says which of other deployments may call it (label `arpanet.allow-from`), as a text for `nft -f`. Pure.
 *
 * What is refused are new connections from all addresses of other deployments' instances in its networks: Linux lets a container send with each of its addresses on each of its
 * links. Link-local addresses are in no name table, so that nobody calls from one. Hosts, its own deployment and what comes from outside are not concerned.
 */
import type { NamedInstance } from '../../model/name-table.ts';
import { type AllowRule, parseAllowFrom } from '../../text/allow-label.ts';

export const ALLOW_TABLE = 'arpanet-allow';
const HEAD = `table inet ${ALLOW_TABLE}\ndelete table inet ${ALLOW_TABLE}\n`;
/** Nobody is refused: there is no table. */
export const NO_ALLOW = HEAD;

/** What finds neighbours passes (RFC 4861, RFC 2710): conntrack follows none of it, and without it nobody answers. */
const NEIGHBOURS = 'nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query';
const BEFORE_ALL = [
  '    iifname "lo" accept',
  '    ct state established,related accept',
  `    icmpv6 type { ${NEIGHBOURS} } accept`,
  '    ip6 saddr fe80::/10 meta l4proto != ipv6-icmp reject with icmpx admin-prohibited',
  '    ip saddr 169.254.0.0/16 reject with icmpx admin-prohibited',
];

const elements = (all: readonly string[]): string =>
  all.length === 0 ? '' : ` elements = { ${[...new Set(all)].toSorted().join(', ')} };`;

/** `others`: all with an address in its networks. */
export function allowRules(own: NamedInstance, others: readonly NamedInstance[]): string {
  const rules = own.allowFrom === undefined ? undefined : parseAllowFrom(own.allowFrom);
  if (rules === undefined) return NO_ALLOW;
  const foreign = others.filter(({ deployment }) => deployment !== own.deployment);
  const of = (rule: AllowRule) =>
    foreign.filter(({ deployment, service }) => deployment === rule.deployment && (rule.service === undefined || service === rule.service));
  const families = [
    ['4', 'ipv4_addr', 'ip', (one: NamedInstance) => Object.values(one.addresses)],
    ['6', 'ipv6_addr', 'ip6', (one: NamedInstance) => Object.values(one.addresses6 ?? {})],
  ] as const;
  const sets: string[] = [];
  const chain: string[] = [];
  for (const [name, type, family, all] of families) {
    const addressesOf = (some: readonly NamedInstance[]): readonly string[] => some.flatMap(all);
    const open = rules.filter(({ port }) => port === undefined).flatMap((rule) => addressesOf(of(rule)));
    const at = rules.flatMap((rule) => {
      const { port, protocol } = rule;
      if (port === undefined) return [];
      const protocols = protocol === undefined ? ['tcp', 'udp'] : [protocol];
      return addressesOf(of(rule)).flatMap((address) => protocols.map((one) => `${address} . ${one} . ${port}`));
    });
    sets.push(
      `  set others${name} { type ${type};${elements(addressesOf(foreign))} }`,
      `  set open${name} { type ${type};${elements(open)} }`,
      `  set ports${name} { type ${type} . inet_proto . inet_service;${elements(at)} }`,
    );
    chain.push(
      `    ${family} saddr @open${name} accept`,
      `    ${family} saddr . meta l4proto . th dport @ports${name} accept`,
      `    ${family} saddr @others${name} meta l4proto tcp reject with tcp reset`,
      `    ${family} saddr @others${name} reject with icmpx type admin-prohibited`,
    );
  }
  return [
    HEAD,
    `table inet ${ALLOW_TABLE} {`,
    ...sets,
    '  chain input {',
    '    type filter hook input priority 0; policy accept;',
    ...BEFORE_ALL,
    ...chain,
    '  }',
    '}',
    '',
  ].join('\n');
}

/**
 * A table of the same name for the host's bridges: what reaches these addresses, from a container of this host or of another: nothing begins there. Answers to what such a container calls itself by TCP pass: a bridge
 * tracks no connections. Empty: no table.
 */
export function gateRules(addresses: readonly string[]): string {
  const head = `table bridge ${ALLOW_TABLE}\ndelete table bridge ${ALLOW_TABLE}\n`;
  if (addresses.length === 0) return head;
  const [six, four] = [true, false].map((is) => addresses.filter((one) => one.includes(':') === is)) as [string[], string[]];
  const closed = ['ip daddr @closed4', 'ip6 daddr @closed6'];
  return [
    head,
    `table bridge ${ALLOW_TABLE} {`,
    `  set closed4 { type ipv4_addr;${elements(four)} }`,
    `  set closed6 { type ipv6_addr;${elements(six)} }`,
    '  chain forward {',
    '    type filter hook forward priority 0; policy accept;',
    `    icmpv6 type { ${NEIGHBOURS} } accept`,
    ...closed.flatMap((to) => [`    ${to} tcp flags & (syn | ack) == syn drop`, `    ${to} meta l4proto != tcp drop`]),
    '  }',
    '}',
    '',
  ].join('\n');
}
