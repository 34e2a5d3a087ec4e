/**
 * The kernel's rules for published ports of mode ingress on one host, as a text for `nft -f`: one table, which nobody else uses, replaced as a whole. Pure.
 *
 * A caller is sent to one of all instances by chance: to one of this host at its own address, or to the host of one of another, at the published port.
 * There it comes from a host of the cluster, and stays on that one. Two maps have all instances, and there is one chain for each number of
 * instances, not for each port. The instance sees its caller's own address where it runs on the host that was called, else the address of that host.
 */
import type { IngressTable } from '../../model/ingress.ts';

export const TABLE = 'arpanet-ingress';
/** Of a connection (`ct mark`): it goes to such a port. No other bit is changed. */
export const MARK = 0x0800_0000;
export const ACCEPT = `-m connmark --mark 0x${MARK.toString(16)}/0x${MARK.toString(16)} -m comment --comment ${TABLE} -j ACCEPT`;

export interface HostIngress extends IngressTable {
  /** This host's name. */
  readonly host: string;
  /** Subnets of its containers: their calls of each other through a published port must come back this way. */
  readonly subnets: readonly string[];
  /** It tells these rules from earlier ones, as a comment in them: digits and letters. */
  readonly version: string;
}

const HEAD = `table ip ${TABLE}\ndelete table ip ${TABLE}\n`;
/** No published port, no table. */
export const NO_RULES = HEAD;

interface Slots {
  /** `tcp . 8080`. */
  readonly key: string;
  readonly local: readonly string[];
  readonly all: readonly string[];
}

export function ingressRules({ host, ports, hosts, subnets, version }: HostIngress): string {
  const slots = ports.flatMap((port): Slots[] => {
    if (port.instances.length === 0) return [];
    const toLocal = ({ address, target }: (typeof port.instances)[number]) => `${address} . ${target}`;
    const local = port.instances.filter((one) => one.host === host).map(toLocal);
    const all = port.instances.map((one) => (one.host === host ? toLocal(one) : `${one.at} . ${port.port}`));
    return [{ key: `${port.protocol} . ${port.port}`, local, all }];
  });
  if (slots.length === 0) return NO_RULES;
  const others = ports.flatMap(({ instances }) => instances.flatMap((one) => (one.host === host ? [] : [one.at])));
  const onHost = slots.filter(({ local }) => local.length > 0);
  return [
    HEAD,
    `table ip ${TABLE} {`,
    set('hosts', 'type ipv4_addr', [...new Set([...hosts, ...others])]),
    set('subnets', 'type ipv4_addr; flags interval; auto-merge', [...new Set(subnets)]),
    ...choices('local', onHost, ({ local }) => local),
    ...choices('any', slots, ({ all }) => all),
    '  chain called {',
    `    ip saddr @hosts ip protocol . th dport vmap @ports-local comment "${version}"`,
    '    ip protocol . th dport vmap @ports-any',
    '  }',
    ...['prerouting', 'output'].flatMap((hook) => [
      `  chain ${hook} {`,
      `    type nat hook ${hook} priority -101; policy accept;`,
      '    ip protocol { tcp, udp } fib daddr type local ip daddr != 127.0.0.0/8 goto called',
      '  }',
    ]),
    '  chain postrouting {',
    '    type nat hook postrouting priority 99; policy accept;',
    `    ct mark and ${MARK} == ${MARK} ip daddr @hosts masquerade`,
    `    ct mark and ${MARK} == ${MARK} ip saddr @subnets masquerade`,
    '  }',
    '}',
    '',
  ].join('\n');
}

function set(name: string, type: string, elements: readonly string[]): string {
  return `  set ${name} { ${type};${elementsOf(elements)} }`;
}

const elementsOf = (elements: readonly string[]): string => (elements.length === 0 ? '' : ` elements = { ${elements.join(', ')} };`);

/** A chain for each number of instances, the map of those, and the map from ports to chains. */
function choices(name: string, slots: readonly Slots[], of: (slot: Slots) => readonly string[]): readonly string[] {
  const counts = [...new Set(slots.map((slot) => of(slot).length))].toSorted((a, b) => a - b);
  const targets = slots.flatMap((slot) => of(slot).map((target, index) => `${slot.key} . ${index} : ${target}`));
  const ports = slots.map((slot) => `${slot.key} : goto ${name}-${of(slot).length}`);
  return [
    `  map targets-${name} { typeof ip protocol . th dport . numgen random mod 65536 : ip daddr . th dport;${elementsOf(targets)} }`,
    ...counts.flatMap((count) => [
      `  chain ${name}-${count} {`,
      `    ct mark set ct mark or ${MARK} dnat ip to ip protocol . th dport . numgen random mod ${count} map @targets-${name}`,
      '  }',
    ]),
    `  map ports-${name} { type inet_proto . inet_service : verdict;${elementsOf(ports)} }`,
  ];
}

/** Of UDP: which flows the kernel still leads to somebody who is gone, or to nobody. Words for `conntrack -D`. */
export function staleFlows(before: IngressTable, now: IngressTable, host: string): readonly (readonly string[])[] {
  const callees = (table: IngressTable) =>
    new Map(
      table.ports.flatMap(({ port, protocol, instances }) =>
        protocol === 'udp' ? [[port, new Set(instances.map((one) => (one.host === host ? one.address : one.at)))] as const] : [],
      ),
    );
  const [was, is] = [callees(before), callees(now)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((port) => {
    const all = ['-D', '-p', 'udp', '--orig-port-dst', String(port)];
    const gone = [...(was.get(port) ?? [])].filter((address) => is.get(port)?.has(address) !== true);
    // what came while there was no instance leads to this host itself, and would for as long as it goes on
    const isFirst = (was.get(port)?.size ?? 0) === 0 && (is.get(port)?.size ?? 0) > 0;
    return [...(isFirst ? [all] : []), ...gone.map((address) => [...all, '--reply-src', address])];
  });
}
